// The accounts at identity providers with which the user can sign in.
import { api, content, type Schemas } from "../../api/client";
import { confirmFirst } from "../../parts/confirm";
import { useLoaded } from "../../parts/loaded";
import { Part } from "../../parts/sections";
import { withRecentSignIn } from "../../parts/sign-in-again";
import { showFailure } from "../../parts/toast";
import { When } from "../../parts/when";

type Account = Schemas["Account"];

// Shows nothing without a provider, unless there are accounts from when there was one.
export function Accounts({ provider, hasPassword }: { provider: string | null; hasPassword: boolean }) {
  const [accounts] = useLoaded(async () => (await content(api.GET("/api/v1/auth/accounts"))).items);
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
      <ul class="rows">
        {accounts.map((account) => (
          <Row
            key={account.id}
            account={account}
            onUnlink={hasPassword ? () => unlink(account) : undefined}
          />
        ))}
      </ul>
      {accounts.length === 0 && <p class="nothing">No linked accounts.</p>}
      {accounts.length > 0 && !hasPassword && (
        <p class="hint">Without an account you could not sign in. Choose a password before you unlink one.</p>
      )}
    </Part>
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
      const params = { path: { account_id: account.id } };
      await content(api.DELETE("/api/v1/auth/accounts/{account_id}", { params }));
      location.replace("/sign-in#next=/settings/sign-in");
    },
  });
}
