// How the user gets each kind of news. A choice counts at once.
import { useId } from "preact/hooks";
import { api, content, type Schemas } from "../../api/client";
import { announce } from "../../parts/live";
import { useLoaded } from "../../parts/loaded";
import { Part } from "../../parts/sections";
import { showFailure, showToast } from "../../parts/toast";
import { me } from "../../state/session";

type Channels = Schemas["Channels"];
type Kind = keyof Channels;
type Channel = Schemas["Channel"];

const KINDS: readonly (readonly [Kind, string])[] = [
  ["assigned", "A task is assigned to you"],
  ["mentioned", "Somebody mentions you"],
  ["commented", "There is a comment on a task that you follow"],
  ["closed", "A task that you follow is completed or cancelled"],
  ["moved", "A task that you follow moves to another status"],
  ["unblocked", "Your task no longer waits for others"],
  ["due_soon", "Your task is due within 24 hours"],
  ["overdue", "Your task is overdue"],
];

const CHANNELS: readonly (readonly [Channel, string])[] = [
  ["inbox", "Inbox only"],
  ["mail", "Inbox, and a mail at once"],
  ["daily", "Inbox, and the daily mail"],
  ["nothing", "Nothing"],
];

export function Notifications() {
  const path = "/api/v1/users/me/notifications";
  const [channels, reload] = useLoaded(() => content(api.GET(path)));
  const choose = async (chosen: Schemas["ChannelsIn"], said: (text: string) => void) => {
    try {
      await content(api.PATCH(path, { body: chosen }));
      said("Your choice is saved.");
    } catch (failure) {
      showFailure(failure);
    }
    await reload();
  };
  const restore = () =>
    choose(Object.fromEntries(KINDS.map(([kind]) => [kind, null])), (text) => showToast({ text }));
  return (
    <Part
      title="Notifications"
      note="You follow the tasks that you have created, that are assigned to you, that you have commented on or watch."
      action={
        <button type="button" onClick={restore}>
          Use the defaults
        </button>
      }
    >
      {!me.value.email && (
        <p class="notice">
          You have no e-mail address, so everything stays in the inbox. <a href="/settings">Enter one</a>
        </p>
      )}
      <ul class="rows">
        {channels &&
          KINDS.map(([kind, text]) => (
            <Row
              key={kind}
              text={text}
              value={channels[kind]}
              onChoose={(channel) => choose({ [kind]: channel }, announce)}
            />
          ))}
      </ul>
    </Part>
  );
}

function Row(row: { text: string; value: Channel; onChoose: (channel: Channel) => void }) {
  const id = useId();
  return (
    <li>
      <label for={id}>{row.text}</label>
      <select id={id} onChange={(event) => row.onChoose(event.currentTarget.value as Channel)}>
        {CHANNELS.map(([channel, text]) => (
          <option key={channel} value={channel} selected={channel === row.value}>
            {text}
          </option>
        ))}
      </select>
    </li>
  );
}
