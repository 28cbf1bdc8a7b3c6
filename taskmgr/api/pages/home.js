import { call, onSubmit, show } from "./pages.js";

const form = document.querySelector("form");
const me = await call("GET", "users/me");
if (me.ok) {
  const { name, username, role } = me.content;
  document.querySelector("#whom").textContent = `You are ${name} (${username}), with the role ${role}.`;
  form.hidden = false;
} else if (me.status === 401) {
  location.replace("/sign-in");
} else {
  show(me.content);
}

onSubmit(form, async () => {
  const sessions = await call("GET", "auth/sessions");
  const current = sessions.content?.items?.find((session) => session.current);
  const answer = current ? await call("DELETE", `auth/sessions/${current.id}`) : sessions;
  if (answer.ok || answer.status === 401) location.replace("/sign-in");
  return answer;
});
