/** Dialogs of the system's: the page gets a grant that serves one command once, and never a path. */
import type { Granted, Purpose } from "../api/bindings";
import { call } from "../api/call";

/** Asks a person for what a command needs; null where they choose nothing. `name` is proposed for a new file. */
export function choose(purpose: Purpose, title: string, name: string | null = null): Promise<Granted | null> {
  return call("choose", { purpose, title, name });
}

/** What was chosen, for people. */
export function named({ names }: Granted): string {
  return names.join(", ");
}
