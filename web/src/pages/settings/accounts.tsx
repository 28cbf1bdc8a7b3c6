// The accounts at identity providers with which a user can sign in.
import { api, content, type Schemas } from "../../api/client";
import { confirmFirst } from "../../parts/confirm";
import { useLoaded } from "../../parts/loaded";
import { Part } from "../../parts/sections";
import { withRecentSignIn } from "../../parts/sign-in-again";
import { showFailure, showToast } from "../../parts/toast";
import { When } from "../../parts/when";

type Account = Schemas["Account"];

// Shows nothing without a provider, unless there are accounts from when there was one.
export function Accounts({ provider, hasPassword }: { provider: string | null; hasPassword: boolean }) {
  const [accounts] = useAccounts();
  if (!accounts || (!provider && accounts.length === 0)) return null;
  return (
    <Part
      title="Linked accounts"
      note={
        provider
          ? `With an account of ${provider}, you sign in without a password.`
          : "This service no longer has an identity provider, so these accounts are of no use."
      }
      action={
        provider && (
          <button type="button" onClick={() => link().catch(showFailure)}>
            Link an account
          </button>
        )
      }
    >
      <Rows accounts={accounts} onUnlink={hasPassword ? unlink : undefined} />
      {accounts.length === 0 && <p class="nothing">No linked accounts.</p>}
      {accounts.length > 0 && !hasPassword && (
        <p class="hint">Without an account you could not sign in. Choose a password before you unlink one.</p>
      )}
    </Part>
  );
}

// The accounts of another user. Shows nothing without any: most services have no identity provider.
export function AccountsOf({ userId, name }: { userId: string; name: string }) {
  const [accounts, reload] = useAccounts(userId);
  if (!accounts?.length) return null;
  const unlinkOther = (account: Account) =>
    confirmFirst({
      title: "Unlink this account?",
      text: `${name} can no longer sign in with it, and is signed out everywhere. Without a password, a sign-in link is needed.`,
      action: "Unlink it",
      run: async () => {
        await end(account);
        await reload();
        showToast({ text: `An account of ${name} is unlinked.` });
      },
    });
  return (
    <Part
      title="Linked accounts"
      note={`With an identity provider's account, ${name} signs in without a password.`}
    >
      <Rows accounts={accounts} onUnlink={unlinkOther} />
    </Part>
  );
}

// Without `userId`, the accounts of the user who is signed in.
function useAccounts(userId?: string) {
  return useLoaded(async () => {
    const params = { query: { user_id: userId } };
    return (await content(api.GET("/api/v1/auth/accounts", { params }))).items;
  }, userId);
}

function Rows({
  accounts,
  onUnlink,
}: {
  accounts: readonly Account[];
  onUnlink?: (account: Account) => void;
}) {
  return (
    <ul class="rows">
      {accounts.map((account) => (
        <Row key={account.id} account={account} onUnlink={onUnlink && (() => onUnlink(account))} />
      ))}
    </ul>
  );
}

function Row({ account, onUnlink }: { account: Account; onUnlink?: () => void }) {
  const provider = new URL(account.issuer).hostname;
  return (
    <li>
      <div>
        <p>
          <strong>{provider}</strong>
        </p>
        <p class="hint">
          <bdi>{account.subject}</bdi> · linked <When at={account.created_at} />
        </p>
      </div>
      {onUnlink && (
        <button type="button" aria-label={`Unlink the account of ${provider}`} onClick={onUnlink}>
          Unlink
        </button>
      )}
    </li>
  );
}

// Leaves for the provider, which leads back here.
async function link(): Promise<void> {
  const body = { next: "/settings/sign-in" };
  const { url } = await withRecentSignIn(() => content(api.POST("/api/v1/auth/accounts", { body })));
  location.assign(url);
}

function unlink(account: Account): void {
  confirmFirst({
    title: "Unlink this account?",
    text: "You can no longer sign in with it. All your sessions end, this one too.",
    action: "Unlink it",
    run: async () => {
      await end(account);
      location.replace("/sign-in#next=/settings/sign-in");
    },
  });
}

async function end({ id }: Account): Promise<void> {
  await content(api.DELETE("/api/v1/auth/accounts/{account_id}", { params: { path: { account_id: id } } }));
}
