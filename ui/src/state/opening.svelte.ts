/** The library before it is open: what is in the way, and the ways on. */
import type { Rpc, StartFailure, Started, StartState, StartWay } from "../api/bindings";
import { call } from "../api/call";
import { t } from "../i18n/index.svelte";
import { choose } from "./choose";

/** Commands that lead to a library, or do not. */
type StartCommand = { [K in keyof Rpc]: Rpc[K][1] extends Started ? K : never }[keyof Rpc];

export class Opening {
  /** Why the library is not open. */
  failure = $state.raw<StartFailure | null>(null);
  library = $state("");
  /** Whether the library is only read. */
  readOnly = $state(false);
  /** What is being done. */
  busy = $state<StartWay | null>(null);
  /** What came of it, to be read before it is put away. */
  notice = $state<string | null>(null);

  #opened: () => void = () => {};

  /** Resolves when the library is open, however long a person takes over it. */
  async open(): Promise<void> {
    const opened = new Promise<void>((resolve) => {
      this.#opened = resolve;
    });
    this.#take(await call("start_state", null));
    await opened;
  }

  /** Looks whether the library is still open; it is not when the first look into it met damage. */
  async isOpen(): Promise<boolean> {
    return (await call("start_state", null)).failure === null;
  }

  /** Takes one of the ways on. */
  async go(way: StartWay): Promise<void> {
    if (this.busy !== null) return;
    this.busy = way;
    try {
      const done = await this.#go(way);
      if (done !== null) {
        this.notice = this.#told(way, done);
        this.#take(done.state);
      }
    } finally {
      this.busy = null;
    }
  }

  async #go(way: StartWay): Promise<Started | null> {
    const ask = <K extends StartCommand>(name: K, request: Rpc[K][0]): Promise<Started> => call(name, request) as Promise<Started>;
    switch (way) {
      case "retry":
        return ask("retry_start", null);
      case "read_only":
        return ask("open_read_only", null);
      case "repair":
        return ask("repair_library", null);
      case "standard":
        return ask("choose_library", { folder: null });
      case "restore": {
        const chosen = await choose("restore_backup", t().start.chooseBackup);
        return chosen === null ? null : ask("restore_backup", { file: chosen.grant });
      }
      case "choose": {
        const chosen = await choose("choose_library", t().start.chooseLibrary);
        return chosen === null ? null : ask("choose_library", { folder: chosen.grant });
      }
    }
  }

  #told(way: StartWay, { state, kept, lost, choice_lasts }: Started): string | null {
    if (state.failure !== null) return null;
    if (way === "repair" && kept !== null) return lost > 0 ? t().start.repairedLost(lost, kept) : t().start.repaired(kept);
    if (way === "restore") return t().start.restored(kept);
    return choice_lasts ? null : t().start.onlyNow;
  }

  #take({ library, read_only, failure }: StartState): void {
    this.library = library;
    this.readOnly = read_only;
    this.failure = failure;
    if (failure === null) this.#opened();
  }
}
