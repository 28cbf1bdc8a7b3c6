// Reads server-sent events from the body of an answer.
//
// `EventSource` is not used: it hides the status of an answer (410 means that everything has to be read
// again), and it hands over only the kinds of events whose names it was told before.
export interface SentEvent {
  id?: string;
  data?: string;
}

// Splits a text that arrives in pieces into whole events; `rest` is what comes before the next piece.
export function splitEvents(text: string): { events: SentEvent[]; rest: string } {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  return { events: blocks.map(parseEvent), rest };
}

function parseEvent(block: string): SentEvent {
  const event: SentEvent = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") event.id = value;
    if (name === "data") event.data = event.data === undefined ? value : `${event.data}\n${value}`;
  }
  return event;
}

export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SentEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const { events, rest } = splitEvents(text + decoder.decode(value, { stream: true }));
    text = rest;
    yield* events;
  }
}
