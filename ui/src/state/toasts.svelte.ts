/** Short messages that go away by themselves; errors stay until they are dismissed. */
import { asError } from "../api/call";

/** A way on that a message offers. */
export interface ToastAction {
  name: string;
  perform: () => void;
}

export interface Toast {
  id: number;
  kind: "note" | "error";
  text: string;
  action?: ToastAction | undefined;
}

const STAY_MS = 4000;
/** Time to change one's mind. */
const STAY_WITH_ACTION_MS = 10_000;

export class Toasts {
  shown = $state.raw<Toast[]>([]);
  #next = 1;

  note(text: string, action?: ToastAction): void {
    const id = this.#add("note", text, action);
    setTimeout(() => this.dismiss(id), action === undefined ? STAY_MS : STAY_WITH_ACTION_MS);
  }

  error(reason: unknown): void {
    this.#add("error", asError(reason).message);
  }

  dismiss(id: number): void {
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  #add(kind: Toast["kind"], text: string, action?: ToastAction): number {
    const id = this.#next;
    this.#next += 1;
    // The same error twice is one error.
    this.shown = [...this.shown.filter((toast) => toast.text !== text), { id, kind, text, action }];
    return id;
  }
}
