import { call, goOn, onSubmit, show } from "./pages.js";

// Why the identity provider has signed nobody in.
const PROBLEMS = {
  unreachable: "The provider does not answer at the moment. Try again later, or sign in with a password.",
  failed: "The provider has answered with an error. Try again, and tell an admin if it stays so.",
  denied: "You were not signed in, because the provider or you have refused it.",
  invalid: "The provider's answer cannot be accepted. Sign in again from here.",
  expired: "This took too long, or was begun in another browser. Sign in again from here.",
  unknown: "Nobody here has linked this account. Sign in with your password, and link it.",
  exists: "Somebody here has your username or e-mail address already. If it is you, sign in with your password, and link the account; otherwise ask an admin.",
  not_admitted: "The provider gives no verified e-mail address that is admitted here. Ask an admin.",
  deactivated: "Your user is deactivated. Ask an admin.",
  taken: "This account is linked to another user. Ask an admin.",
  other_user: "This account is not linked to the user who is signed in here. Sign in with the account that is.",
  too_old: "Sign in again before you link an account.",
};

const fragment = new URLSearchParams(location.hash.slice(1));
const next = fragment.get("next");
const problem = fragment.get("problem");
const provider = document.querySelector("#provider");
if (Object.hasOwn(PROBLEMS, problem)) show({ detail: PROBLEMS[problem] });
if (provider) {
  // Where to go on, and the only user who may sign in, as they were named at the first attempt.
  const again = ["next", "user_id"].filter((name) => fragment.has(name));
  provider.search = new URLSearchParams(again.map((name) => [name, fragment.get(name)]));
}
if (provider) document.querySelector("#link").hidden = !["unknown", "exists", "too_old"].includes(problem);
// Somebody who came to link an account is signed in already.
document.querySelector("#back").hidden = !fragment.has("linking");
document.querySelector("#back button").addEventListener("click", goOn);

onSubmit(document.querySelector("form"), async ({ username, password, link }) => {
  const answer = await call("POST", "auth/sessions", { username, password });
  if (!answer.ok) return answer;
  if (!link) return goOn();
  const started = await call("POST", "auth/accounts", next ? { next } : {});
  if (started.ok) location.assign(started.content.url);
  return started;
});
