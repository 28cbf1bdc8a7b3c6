// Follows all changes with one stream per browser, because HTTP/1.1 allows six connections to a service.
//
// The tab that holds a Web Lock, the leader, reads the stream and broadcasts every change to the others. When
// it closes, the browser gives the lock to another tab, which goes on from the last position that it knows.
import { signal } from "@preact/signals";
import { type Change, signInAgain } from "../api/client";
import { readEvents, type SentEvent } from "./sse";

type Message =
  | { type: "change"; change: Change; position: string }
  | { type: "position"; position: string }
  | { type: "connected"; value: boolean }
  | { type: "hello" }
  | { type: "resync" }
  | { type: "signed-out" };

export const isConnected = signal(true);

const QUICK_RETRY = 200; // milliseconds, after a stream that was open: a worker may have been replaced
const RETRY = 3_000; // milliseconds
// The service sends something every 15 seconds.
const MAX_SILENCE = 40_000; // milliseconds
// How long a connection may be lost before people are told; a restarted worker is back earlier.
const GRACE = 1_500; // milliseconds
const listeners = new Set<(change: Change) => void>();
let channel: BroadcastChannel;
let position: string;
let isLeader = false;

// Calls `listener` for every change, in the order of the feed; returns what ends that.
export function onChange(listener: (change: Change) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Hears of every change from now on. To be called before anything is read, so that nothing is missed: what
// is read contains all changes up to the position, and the later ones are heard of.
export async function connect(userId: string): Promise<void> {
  channel = new BroadcastChannel(`taskmgr:${userId}`);
  channel.onmessage = ({ data }: MessageEvent<Message>) => receive(data);
  position = await endOfFeed();
  channel.postMessage({ type: "hello" } satisfies Message);
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  void navigator.locks.request(`taskmgr:${userId}`, lead);
}

// Lets the other tabs leave, too.
export function announceSignOut(): void {
  channel.postMessage({ type: "signed-out" } satisfies Message);
}

async function endOfFeed(): Promise<string> {
  const answer = await fetch("/api/v1/changes?limit=1");
  if (answer.status === 401) signInAgain();
  return ((await answer.json()) as { next: string }).next;
}

function receive(message: Message): void {
  if (message.type === "change") hear(message.change, message.position);
  else if (message.type === "position") position = message.position;
  else if (message.type === "connected") isConnected.value = message.value;
  else if (message.type === "resync") location.reload();
  else if (message.type === "signed-out") signInAgain();
  else if (isLeader) send({ type: "connected", value: isConnected.value });
}

function send(message: Message): void {
  channel.postMessage(message);
}

function hear(change: Change, at: string): void {
  position = at;
  for (const listener of listeners) listener(change);
}

function setConnected(value: boolean): void {
  if (isConnected.value === value) return;
  isConnected.value = value;
  send({ type: "connected", value });
}

// Reads the stream until this tab is closed, which is what releases the lock.
async function lead(): Promise<never> {
  isLeader = true;
  let lost: ReturnType<typeof setTimeout> | undefined;
  for (;;) {
    lost ??= setTimeout(() => setConnected(false), GRACE);
    const wasOpen = await readStream(() => {
      clearTimeout(lost);
      lost = undefined;
      setConnected(true);
    });
    await pause(wasOpen ? QUICK_RETRY : RETRY);
  }
}

// Reads until the stream ends; returns whether it was open.
async function readStream(onOpen: () => void): Promise<boolean> {
  const silence = new AbortController();
  let watch = setTimeout(() => silence.abort(), MAX_SILENCE);
  const onOffline = () => silence.abort();
  addEventListener("offline", onOffline);
  let isOpen = false;
  try {
    const headers = { Accept: "text/event-stream", "Last-Event-ID": position };
    const answer = await fetch("/api/v1/events", { headers, cache: "no-store", signal: silence.signal });
    if (answer.status === 401) signInAgain();
    if (answer.status === 410) {
      send({ type: "resync" });
      location.reload();
    }
    if (!answer.ok || !answer.body) return false;
    isOpen = true;
    onOpen();
    for await (const event of readEvents(answer.body)) {
      clearTimeout(watch);
      watch = setTimeout(() => silence.abort(), MAX_SILENCE);
      take(event);
    }
  } catch {
    // The connection was lost; it is made again after a pause.
  } finally {
    clearTimeout(watch);
    removeEventListener("offline", onOffline);
  }
  return isOpen;
}

// Hears of an event of the stream, and lets the other tabs hear of it.
function take({ id, data }: SentEvent): void {
  if (data) {
    const change = JSON.parse(data) as Change;
    hear(change, id ?? position);
    send({ type: "change", change, position });
  } else if (id) {
    position = id;
    send({ type: "position", position });
  }
}

// A browser that is online again need not wait.
function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
    addEventListener("online", () => resolve(), { once: true });
  });
}
