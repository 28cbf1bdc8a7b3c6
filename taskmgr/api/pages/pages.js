// What the pages share: the colours that were chosen in the dashboard, calls of the API, and showing what
// went wrong.

document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "system";

export async function call(method, path, body) {
  const response = await fetch(`/api/v1/${path}`, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { ok: response.ok, status: response.status, content: text ? JSON.parse(text) : null };
}

export function show(problem) {
  const details = (problem?.errors ?? []).map((error) => error.detail);
  const text = details.length > 0 ? details.join(" ") : (problem?.detail ?? "");
  document.querySelector(".mistake").textContent = text;
}

// Calls `send` when the form is submitted, once at a time, and shows the problem if it fails.
export function onSubmit(form, send) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    show(null);
    try {
      const answer = await send(Object.fromEntries(new FormData(form)));
      if (answer && !answer.ok) show(answer.content);
    } catch {
      show({ detail: "The service cannot be reached. Try again." });
    } finally {
      button.disabled = false;
    }
  });
}

// Goes to the page that `next` in the fragment of the address names, if it is one of this service's.
export function goOn() {
  const home = new URL("/", location.origin);
  const next = new URLSearchParams(location.hash.slice(1)).get("next") ?? "/";
  const target = URL.canParse(next, home) ? new URL(next, home).href : home.href;
  // Judged as a whole, because a path may begin with two slashes, and the origin of `blob:` is ours.
  location.replace(target.startsWith(home.href) ? target : home.href);
}
