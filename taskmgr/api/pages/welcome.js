import { call, goOn, onSubmit, show } from "./pages.js";

const link = location.hash.slice(1);
// The secret stays neither in the address bar nor in the history.
history.replaceState(null, "", location.pathname);
const form = document.querySelector("form");
const invitation = await call("POST", "auth/links/open", { link });
if (invitation.ok) {
  const { username, name } = invitation.content;
  document.querySelector("#whom").textContent = `Welcome, ${name}. Your username is ${username}.`;
  form.elements.username.value = username;
  form.hidden = false;
  form.elements.password.focus();
} else {
  show(invitation.content);
}

onSubmit(form, async ({ password, again }) => {
  if (password !== again) {
    show({ detail: "The two passwords differ." });
    return null;
  }
  const answer = await call("POST", "auth/links/use", { link, password });
  if (answer.ok) goOn();
  return answer;
});
