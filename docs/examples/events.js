// Follows the changes in a browser or in Node 20. `onChange` gets each change, in order and exactly once;
// `onResync` is called when everything has to be read again, and returns the position to go on from.

export async function follow({ base, token, since, onChange, onResync, signal }) {
  let position = since;
  while (!signal?.aborted) {
    try {
      const headers = { Authorization: `Bearer ${token}` };
      if (position) headers["Last-Event-ID"] = position;
      const response = await fetch(`${base}/api/v1/events`, { headers, signal, cache: "no-store" });
      if (response.status === 410) {
        position = await onResync(await response.json());
        continue;
      }
      if (response.status === 401) throw new Error("The token is not valid any more.");
      if (response.ok) {
        for await (const event of events(response.body)) {
          if (event.data) onChange(JSON.parse(event.data));
          if (event.id) position = event.id;
        }
      }
    } catch (error) {
      if (signal?.aborted || error.message.startsWith("The token")) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      yield Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
    }
  }
}
