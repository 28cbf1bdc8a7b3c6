import { call, goOn, onSubmit } from "./pages.js";

onSubmit(document.querySelector("form"), async ({ username, password }) => {
  const answer = await call("POST", "auth/sessions", { username, password });
  if (answer.ok) goOn();
  return answer;
});
