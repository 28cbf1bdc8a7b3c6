// The settings of the user and of this browser.
import { Sections } from "../../parts/sections";
import { path } from "../../state/router";
import { Appearance } from "./appearance";
import { Notifications } from "./notifications";
import { Profile } from "./profile";
import { Sessions } from "./sessions";
import { SignIn } from "./sign-in";
import { Tokens } from "./tokens";

const SECTIONS = [
  { path: "/settings", title: "Profile", pages: "/settings/profile", Content: Profile },
  { path: "/settings/sign-in", title: "Signing in", Content: SignIn },
  { path: "/settings/sessions", title: "Sessions", Content: Sessions },
  { path: "/settings/tokens", title: "Tokens", Content: Tokens },
  { path: "/settings/notifications", title: "Notifications", Content: Notifications },
  { path: "/settings/appearance", title: "Appearance", Content: Appearance },
];

export default function SettingsPage() {
  const section = SECTIONS.find((one) => one.path === path.value);
  return (
    <Sections title="Settings" sections={SECTIONS}>
      {section && <section.Content />}
    </Sections>
  );
}
