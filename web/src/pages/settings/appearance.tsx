// Colours and contrast, in this browser.
import { Part } from "../../parts/sections";
import { contrast, type Theme, theme } from "../../state/settings";

const THEMES: readonly (readonly [Theme, string, string])[] = [
  ["system", "Colours of the system", "Light or dark, as your device is set"],
  ["light", "Light", "Dark text on a light ground"],
  ["dark", "Dark", "Light text on a dark ground"],
];

export function Appearance() {
  return (
    <Part title="Appearance" note="This is remembered in this browser only.">
      <fieldset class="themes">
        <legend>Colours</legend>
        {THEMES.map(([value, label, hint]) => (
          <label key={value}>
            <input
              type="radio"
              name="theme"
              checked={theme.value === value}
              onChange={() => {
                theme.value = value;
              }}
            />
            <span>
              <strong>{label}</strong> <small class="hint">{hint}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <fieldset class="themes">
        <legend>Contrast</legend>
        <label>
          <input
            type="checkbox"
            checked={contrast.value === "more"}
            onChange={(event) => {
              contrast.value = event.currentTarget.checked ? "more" : "system";
            }}
          />
          <span>
            <strong>High contrast</strong> <small class="hint">Stronger lines and text</small>
          </span>
        </label>
      </fieldset>
    </Part>
  );
}
