/** Backups of the library and its check, one at a time. */
import { call } from "../api/call";
import type { BackedUp, Grant } from "../api/bindings";

export class Safekeeping {
  /** What is being done. */
  busy = $state<"backup" | "check" | null>(null);
  /** What the last check found wrong; null before the first. */
  faults = $state.raw<string[] | null>(null);

  /** Copies the library to a file, which the person chose and, where it is there, agreed to replace. */
  async backUp(file: Grant): Promise<BackedUp> {
    return await this.#during("backup", () => call("back_up", { file }));
  }

  async check(): Promise<void> {
    await this.#during("check", async () => {
      this.faults = (await call("check_library", null)).faults;
    });
  }

  async #during<T>(work: "backup" | "check", run: () => Promise<T>): Promise<T> {
    this.busy = work;
    try {
      return await run();
    } finally {
      this.busy = null;
    }
  }
}
