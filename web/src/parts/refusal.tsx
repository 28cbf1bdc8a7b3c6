// The panel of a refused change: every reason, and the buttons that deal with it and try again.
import { effect } from "@preact/signals";
import { useId } from "preact/hooks";
import type { Reason } from "../api/problems";
import { type Attempt, type Refused, refused, retry } from "../state/attempts";
import { buttonsFor, type FixButton } from "../state/fixes";
import { mayManage } from "../state/session";
import { closeDialog, showDialog } from "./dialog";

// Shows the panel whenever a change has been refused.
export function startRefusals(): void {
  effect(() => {
    const shown = refused.value;
    if (!shown) return;
    showDialog({
      title: `Refused: ${shown.label}`,
      wide: true,
      content: () => <Reasons refused={shown} />,
      onClose: () => {
        if (refused.peek() === shown) refused.value = null;
      },
    });
  });
}

function Reasons({ refused }: { refused: Refused }) {
  const { attempt } = refused;
  const reasons = refused.problem.reasons ?? [];
  const canOverride = mayManage.value && reasons.some((reason) => reason.overridable);
  return (
    <div class="refusal">
      <ul>
        {reasons.map((reason) => (
          <ReasonItem key={reason.code + reason.detail} reason={reason} refused={refused} />
        ))}
      </ul>
      {attempt && canOverride && <Override attempted={attempt} />}
      <div class="actions">
        <button type="button" class="quiet" onClick={closeDialog}>
          Leave it as it is
        </button>
      </div>
    </div>
  );
}

function ReasonItem({ reason: { detail, fix }, refused }: { reason: Reason; refused: Refused }) {
  const { attempt } = refused;
  const buttons = fix && buttonsFor(fix, refused);
  const main = buttons?.find((one) => one.run);
  const asksForReason = fix?.action === "give_reason" || fix?.action === "set_due_date";
  return (
    <li>
      <p>{detail}</p>
      {fix && !buttons?.length && !asksForReason && <p class="hint">{fix.text}</p>}
      <div class="fixes">
        {buttons?.map((one) => (
          <Fix key={one.label} button={one} isMain={one === main} />
        ))}
      </div>
      {attempt && fix?.action === "set_due_date" && <GiveDueDate attempted={attempt} />}
      {attempt && asksForReason && <GiveReason attempted={attempt} />}
    </li>
  );
}

function Fix({ button, isMain }: { button: FixButton; isMain: boolean }) {
  const { label, href, run, choices } = button;
  if (href)
    return (
      <a class="button" href={href} onClick={closeDialog}>
        {label}
      </a>
    );
  if (choices)
    return (
      <select
        aria-label={label}
        onChange={(event) => act(choices[event.currentTarget.selectedIndex - 1]?.run)}
      >
        <option>{label}…</option>
        {choices.map((choice) => (
          <option key={choice.label}>{choice.label}</option>
        ))}
      </select>
    );
  return (
    <button type="button" class={isMain ? "primary" : undefined} onClick={() => act(run)}>
      {label}
    </button>
  );
}

// The panel makes room for what comes next: nothing, or another refusal.
function act(run?: () => void): void {
  closeDialog();
  run?.();
}

function GiveReason({ attempted }: { attempted: Attempt }) {
  return (
    <AskInPlace
      label="Reason"
      action="Give the reason"
      onAnswer={(reason) => retry(attempted, { reason })}
      isLong
    />
  );
}

function GiveDueDate({ attempted }: { attempted: Attempt }) {
  return (
    <AskInPlace
      label="Due date"
      action="Set the due date"
      onAnswer={(due_date) => retry(attempted, { due_date })}
    />
  );
}

function Override({ attempted }: { attempted: Attempt }) {
  return (
    <details>
      <summary>Override the rules</summary>
      <AskInPlace
        label="Reason for overriding"
        action="Override"
        onAnswer={(reason) => retry(attempted, { reason, override: true })}
        isLong
      />
    </details>
  );
}

function AskInPlace(question: {
  label: string;
  action: string;
  isLong?: boolean;
  onAnswer: (text: string) => void;
}) {
  const id = useId();
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget as HTMLFormElement).get("text")).trim();
    if (text) act(() => question.onAnswer(text));
  };
  return (
    <form class="in-place" onSubmit={onSubmit}>
      <label htmlFor={id}>{question.label}</label>
      {question.isLong ? (
        <input id={id} name="text" maxLength={1000} required autocomplete="off" />
      ) : (
        <input id={id} name="text" type="date" required />
      )}
      <button type="submit" class="primary">
        {question.action}
      </button>
    </form>
  );
}
