// The keys that work now (`?`).
import { showDialog } from "../parts/dialog";
import { commands } from "../state/keys";

export function showHelp(): void {
  showDialog({ title: "Keys", content: Help });
}

function Help() {
  const groups = Map.groupBy(
    commands.value.filter((command) => command.keys),
    (command) => command.group,
  );
  return (
    <div class="help">
      {[...groups].map(([group, offered]) => (
        <section key={group}>
          <h3>{group}</h3>
          <dl>
            {offered.map(({ keys, label }) => (
              <div key={label}>
                <dt>
                  {keys?.split(" ").map((key) => (
                    <kbd key={key}>{key.replace("+", " ").replace("Arrow", "")}</kbd>
                  ))}
                </dt>
                <dd>{label}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}
