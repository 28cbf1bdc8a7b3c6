// What admins look after: users, projects, webhooks, the policy and the service.
import { Sections } from "../../parts/sections";
import type { PageProps } from "../../routes";
import { path } from "../../state/router";
import { Policy } from "./policy";
import { Projects } from "./projects";
import { Service } from "./service";
import { UserDetails } from "./user";
import { Users } from "./users";
import { WebhookDetails } from "./webhook";
import { Webhooks } from "./webhooks";

const SECTIONS = [
  { path: "/admin", title: "Users", pages: "/admin/users", Content: Users },
  { path: "/admin/projects", title: "Projects", Content: Projects },
  { path: "/admin/webhooks", title: "Webhooks", Content: Webhooks },
  { path: "/admin/policy", title: "Policy", Content: Policy },
  { path: "/admin/service", title: "Service", Content: Service },
];

export default function AdminPage({ params }: PageProps) {
  const section = SECTIONS.find((one) => one.path === path.value);
  return (
    <Sections title="Admin" sections={SECTIONS}>
      {params.username ? (
        <UserDetails username={params.username} />
      ) : params.webhook ? (
        <WebhookDetails id={params.webhook} />
      ) : (
        section && <section.Content />
      )}
    </Sections>
  );
}
