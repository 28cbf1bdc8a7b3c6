// How the user signs in: with a password, and with an account at the identity provider.
import { api, content } from "../../api/client";
import { useLoaded } from "../../parts/loaded";
import { Part } from "../../parts/sections";
import { Accounts } from "./accounts";
import { Password } from "./password";

export function SignIn() {
  const [methods] = useLoaded(() => content(api.GET("/api/v1/auth/methods")));
  if (!methods) return null;
  return (
    <>
      {methods.password ? (
        <Password />
      ) : (
        <Part
          title="Password"
          note="You have no password. To get one, ask an admin for a sign-in link, with which you choose it."
        />
      )}
      <Accounts provider={methods.provider} hasPassword={methods.password} />
    </>
  );
}
