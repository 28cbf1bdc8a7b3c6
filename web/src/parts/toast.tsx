// Short messages at the edge of the window, with at most one thing to do. They stay while somebody points at
// them or has the focus in them.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { explain } from "../api/problems";
import { Icon } from "./icon";

export interface Toast {
  text: string;
  kind?: "info" | "failure";
  // Comes before the text.
  link?: { label: string; href: string };
  action?: { label: string; run: () => void };
}

const DURATION = 8_000; // milliseconds
const MAX_TOASTS = 3;
const toasts = signal<readonly Toast[]>([]);

export function showToast(toast: Toast): void {
  toasts.value = [...toasts.peek(), toast].slice(-MAX_TOASTS);
}

export function showFailure(error: unknown): void {
  showToast({ text: explain(error), kind: "failure" });
}

function remove(toast: Toast): void {
  toasts.value = toasts.peek().filter((one) => one !== toast);
}

export function ToastHost() {
  return (
    <section class="toasts" role="status" aria-label="Messages">
      {toasts.value.map((toast) => (
        <ToastBox key={toast} toast={toast} />
      ))}
    </section>
  );
}

function ToastBox({ toast }: { toast: Toast }) {
  const [isHeld, hold] = useState(false);
  useEffect(() => {
    if (isHeld) return;
    const timer = setTimeout(() => remove(toast), DURATION);
    return () => clearTimeout(timer);
  }, [isHeld, toast]);
  const act = () => {
    remove(toast);
    toast.action?.run();
  };
  return (
    <div
      class={`toast ${toast.kind ?? "info"}`}
      onPointerEnter={() => hold(true)}
      onPointerLeave={() => hold(false)}
      onFocusCapture={() => hold(true)}
      onBlurCapture={() => hold(false)}
    >
      <p>
        {toast.link && <a href={toast.link.href}>{toast.link.label}</a>} {toast.text}
      </p>
      {toast.action && (
        <button type="button" class="link" onClick={act}>
          {toast.action.label}
        </button>
      )}
      <button type="button" class="quiet square" aria-label="Dismiss" onClick={() => remove(toast)}>
        <Icon name="close" />
      </button>
    </div>
  );
}
