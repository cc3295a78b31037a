/** The start of a library in memory, which opens. */
import type { Rpc, StartState, Started } from "../api/bindings";

type Handlers = { [K in "start_state" | "retry_start" | "open_read_only" | "repair_library" | "restore_backup" | "choose_library"]: (request: Rpc[K][0]) => Rpc[K][1] };

export const openLibrary = (change: Partial<StartState> = {}): StartState => ({
  library: "/home/anna/.local/share/sightline",
  read_only: false,
  failure: null,
  ...change,
});

export const started = (change: Partial<Started> = {}): Started => ({ state: openLibrary(), kept: null, lost: 0, choice_lasts: true, ...change });

export function startHandlers(): Handlers {
  return {
    start_state: () => openLibrary(),
    retry_start: () => started(),
    open_read_only: () => started({ state: openLibrary({ read_only: true }) }),
    repair_library: () => started({ kept: "/home/anna/.local/share/sightline/catalogue.sqlite.old" }),
    restore_backup: () => started(),
    choose_library: ({ folder }) => started({ state: openLibrary(folder === null ? {} : { library: "/home/anna/Library" }) }),
  };
}
