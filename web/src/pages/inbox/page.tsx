// The inbox: what others did to the tasks that concern you, by task.
import { computed } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { api, content } from "../../api/client";
import { Empty } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { announce } from "../../parts/live";
import { type MenuItem, showMenu } from "../../parts/menu";
import { Avatar } from "../../parts/person";
import { showFailure, showToast } from "../../parts/toast";
import { When } from "../../parts/when";
import { inboxTurn, unread } from "../../state/inbox";
import { useCommands } from "../../state/keys";
import { navigate } from "../../state/router";
import { nameOf } from "../../state/session";
import { counted } from "../../state/texts";
import {
  type Item,
  items,
  latestOf,
  loadInbox,
  loadOlder,
  markTopic,
  markUpTo,
  newsText,
  next,
  type Topic,
  topicsOf,
} from "./inbox";

const topics = computed(() => topicsOf(items.value ?? []));

export default function InboxPage() {
  const list = useRef<HTMLUListElement>(null);
  const turn = inboxTurn.value;
  // biome-ignore lint/correctness/useExhaustiveDependencies: every turn reads the inbox again
  useEffect(() => {
    loadInbox().catch(showFailure);
  }, [turn]);
  useInboxKeys(list);
  useKeptFocus();
  return (
    <>
      <header class="page-head">
        <h1>Inbox</h1>
        <a href="/settings/notifications">Choose what you are told</a>
        <button type="button" disabled={!unread.value} onClick={markAll}>
          <Icon name="check" />
          Mark all as read
        </button>
      </header>
      {items.value === null ? (
        <p class="loading">Loading…</p>
      ) : topics.value.length ? (
        <ul class="inbox" ref={list}>
          {topics.value.map((topic) => (
            <Row key={topic.task.id} topic={topic} />
          ))}
        </ul>
      ) : (
        <Empty title="Nothing here yet">
          <p>
            You are told when somebody assigns a task to you, mentions you, or changes a task that you follow.
          </p>
        </Empty>
      )}
      {next.value && <Older />}
    </>
  );
}

function Row({ topic }: { topic: Topic }) {
  const { task } = topic;
  return (
    <li class={topic.isUnread ? "unread" : undefined} data-task={task.id}>
      <div class="topic">
        <a href={hrefOf(topic)} onClick={() => void read(topic)}>
          {topic.isUnread && <span class="unseen">Unread: </span>}
          <span class="key">{task.key}</span> <bdi>{task.title}</bdi>
        </a>
        <ul>
          {topic.items.slice(0, SHOWN).map((item) => (
            <News key={item.id} item={item} />
          ))}
        </ul>
        {topic.items.length > SHOWN && (
          <small class="hint">and {topic.items.length - SHOWN} more before</small>
        )}
      </div>
      {topic.isUnread && (
        <button
          type="button"
          class="quiet square"
          aria-label={`Mark ${nameOfTopic(topic)} as read`}
          onClick={() => read(topic)}
        >
          <Icon name="check" />
        </button>
      )}
      <button
        type="button"
        class="quiet square"
        aria-haspopup="menu"
        aria-label={`More about ${nameOfTopic(topic)}`}
        onClick={(event) => showTopicMenu(event.currentTarget, topic)}
      >
        <Icon name="more" />
      </button>
    </li>
  );
}

const SHOWN = 5;

function News({ item }: { item: Item }) {
  return (
    <li class={item.read_at ? undefined : "unread"}>
      {item.by ? <Avatar id={item.by} /> : <Icon name="clock" />}
      <span>
        {item.by && <bdi>{nameOf(item.by)}</bdi>} {newsText(item)}
      </span>
      <When at={item.at} />
    </li>
  );
}

function Older() {
  const [isBusy, setBusy] = useState(false);
  const load = () => {
    setBusy(true);
    loadOlder()
      .catch(showFailure)
      .finally(() => setBusy(false));
  };
  return (
    <p class="page-body">
      <button type="button" disabled={isBusy} onClick={load}>
        Show older ones
      </button>
    </p>
  );
}

const hrefOf = ({ task }: Topic) => `/tasks/${task.key ?? task.id}`;
const nameOfTopic = ({ task }: Topic) => task.key ?? task.title;

async function read(topic: Topic): Promise<void> {
  await inPlace(topic, markTopic(topic)).catch(showFailure);
}

async function readWithOlder(topic: Topic): Promise<void> {
  await inPlace(topic, markUpTo(latestOf(topic.items))).catch(showFailure);
  announce(`${counted(unread.value, "item")} unread.`);
}

let markings = 0;

// Marks a topic, which may move down. The focus stays at its place, so the next one can be marked at once. If the
// next one is marked before the service has answered, the focus belongs to that one.
async function inPlace(topic: Topic, marking: Promise<void>): Promise<void> {
  const number = ++markings;
  const place = focusedPlace();
  const hadFocus = topics.value[place]?.task.id === topic.task.id;
  await marking;
  if (number !== markings) return;
  const hasFocus = isFocusLost() || focusedTask() === topic.task.id;
  if (hadFocus && hasFocus) focusPlace(place);
}

// A row that changes its place loses the focus, because the browser takes it from elements that are moved.
function useKeptFocus(): void {
  const before = focusedTask();
  useLayoutEffect(() => {
    if (before && isFocusLost()) linkOf(before)?.focus();
  });
}

function markAll(): void {
  markUpTo(latestOf(items.value ?? [])).then(() => announce("Everything is marked as read."), showFailure);
  document.getElementById("main")?.focus();
}

async function showTopicMenu(anchor: HTMLElement, topic: Topic): Promise<void> {
  const params = { params: { path: { task_id: topic.task.id } } };
  const watch = "/api/v1/tasks/{task_id}/watch";
  const say = (text: string) => () => showToast({ text: `${text} ${nameOfTopic(topic)}.` });
  try {
    const { watching } = await content(api.GET(watch, params));
    const items: MenuItem[] = [
      {
        label: "Mark this and older ones as read",
        run: () => void readWithOlder(topic),
      },
      watching
        ? {
            label: "Stop watching",
            run: () => void content(api.DELETE(watch, params)).then(say("You no longer watch"), showFailure),
          }
        : {
            label: "Watch",
            run: () => void content(api.PUT(watch, params)).then(say("You watch"), showFailure),
          },
    ];
    showMenu(anchor, `About ${nameOfTopic(topic)}`, items);
  } catch (failure) {
    showFailure(failure);
  }
}

function linkOf(task: string): HTMLAnchorElement | null {
  return document.querySelector<HTMLAnchorElement>(`.inbox > [data-task="${task}"] .topic > a`);
}

function focusedTask(): string | undefined {
  return document.activeElement?.closest<HTMLElement>(".inbox > [data-task]")?.dataset.task;
}

function focusedPlace(): number {
  const focused = focusedTask();
  return topics.value.findIndex(({ task }) => task.id === focused);
}

function focusPlace(place: number): void {
  const topic = topics.value[Math.max(0, Math.min(place, topics.value.length - 1))];
  if (topic) linkOf(topic.task.id)?.focus();
}

function isFocusLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

function useInboxKeys(list: { current: HTMLUListElement | null }): void {
  const step = (by: number) => focusPlace(focusedPlace() + by);
  const withFocused = (run: (topic: Topic) => void) => () => {
    const topic = topics.value[focusedPlace()];
    if (topic && list.current) run(topic);
  };
  const group = "Inbox";
  useCommands([
    { keys: "j", label: "Next task", group, run: () => step(1) },
    { keys: "k", label: "Previous task", group, run: () => step(-1) },
    {
      keys: "o",
      label: "Open the task",
      group,
      run: withFocused((topic) => void read(topic).then(() => navigate(hrefOf(topic)))),
    },
    { keys: "r", label: "Mark the task as read", group, run: withFocused((topic) => void read(topic)) },
    {
      keys: "R",
      label: "Mark this and older ones as read",
      group,
      run: withFocused((topic) => void readWithOlder(topic)),
    },
    { keys: "A", label: "Mark everything as read", group, run: markAll },
  ]);
}
