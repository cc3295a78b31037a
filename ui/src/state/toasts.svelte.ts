/** Short messages that go away by themselves; errors stay until they are dismissed. */
import { asError } from "../api/call";

export interface Toast {
  id: number;
  kind: "note" | "error";
  text: string;
}

const STAY_MS = 4000;

export class Toasts {
  shown = $state.raw<Toast[]>([]);
  #next = 1;

  note(text: string): void {
    const id = this.#add("note", text);
    setTimeout(() => this.dismiss(id), STAY_MS);
  }

  error(reason: unknown): void {
    this.#add("error", asError(reason).message);
  }

  dismiss(id: number): void {
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  #add(kind: Toast["kind"], text: string): number {
    const id = this.#next;
    this.#next += 1;
    // The same error twice is one error.
    this.shown = [...this.shown.filter((toast) => toast.text !== text), { id, kind, text }];
    return id;
  }
}
