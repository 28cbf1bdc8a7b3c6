// The browsers in which somebody is signed in.
import { api, content, type Schemas } from "../../api/client";
import { confirmFirst } from "../../parts/confirm";
import { useLoaded } from "../../parts/loaded";
import { Part } from "../../parts/sections";
import { showFailure, showToast } from "../../parts/toast";
import { When } from "../../parts/when";
import { counted } from "../../state/texts";
import { browserText } from "./browser";

type Session = Schemas["Session"];

// Without `userId`, the sessions of the user who is signed in.
export function Sessions({ userId, name }: { userId?: string; name?: string }) {
  const [sessions, reload] = useLoaded(async () => {
    const params = { query: { user_id: userId } };
    return (await content(api.GET("/api/v1/auth/sessions", { params }))).items;
  }, userId);
  const others = sessions?.filter((session) => !session.current) ?? [];
  const end = (session: Session) => endSession(session).then(reload).catch(showFailure);
  const endOthers = () =>
    confirmFirst({
      title: name ? "End all sessions?" : "End all other sessions?",
      text: `${counted(others.length, "browser")} will be signed out within a second.`,
      action: "End them",
      run: async () => {
        await Promise.all(others.map(endSession));
        await reload();
        showToast({ text: `${counted(others.length, "session")} ended.` });
      },
    });
  return (
    <Part
      title="Sessions"
      note={`The browsers in which ${name ?? "you"} ${name ? "is" : "are"} signed in.`}
      action={
        others.length > 0 && (
          <button type="button" onClick={endOthers}>
            {name ? "End all" : "End all others"}
          </button>
        )
      }
    >
      <ul class="rows">
        {sessions?.map((session) => (
          <Row key={session.id} session={session} onEnd={() => end(session)} />
        ))}
      </ul>
      {sessions?.length === 0 && <p class="nothing">No sessions.</p>}
    </Part>
  );
}

function Row({ session, onEnd }: { session: Session; onEnd: () => void }) {
  const browser = browserText(session.user_agent);
  return (
    <li>
      <div>
        <p title={session.user_agent}>
          <strong>{browser}</strong> {session.current && <span class="chip good">This browser</span>}
        </p>
        <p class="hint">
          {session.address} · last used <When at={session.last_used_at} /> · began{" "}
          <When at={session.created_at} /> · ends <When at={session.expires_at} />
        </p>
      </div>
      {!session.current && (
        <button type="button" aria-label={`End the session in ${browser}`} onClick={onEnd}>
          End
        </button>
      )}
    </li>
  );
}

async function endSession({ id }: Session): Promise<void> {
  await content(api.DELETE("/api/v1/auth/sessions/{session_id}", { params: { path: { session_id: id } } }));
}
