/** The way to the engine: one function for every command of the generated list. */
import { t } from "../i18n/index.svelte";
import { platform } from "../platform";
import type { ErrorReply, Rpc } from "./bindings";

export function call<K extends keyof Rpc>(name: K, request: Rpc[K][0]): Promise<Rpc[K][1]> {
  return platform().call(name, request);
}

/** What the window says in its own words. */
function ownWords(code: string): string | undefined {
  switch (code) {
    // The engine's words name a way of the command line.
    case "library_read_only":
      return t().start.readOnlyRefused;
    case "grant_gone":
      return t().choosing.gone;
    case "file_appeared":
      return t().choosing.appeared;
    case "dialog_open":
      return t().choosing.open;
    default:
      return undefined;
  }
}

/** What a rejected call holds; anything else is a bug of the shell and is shown as it is. */
export function asError(reason: unknown): ErrorReply {
  if (typeof reason === "object" && reason !== null && "code" in reason && "message" in reason) {
    const error = reason as ErrorReply;
    const message = ownWords(error.code);
    return message === undefined ? error : { ...error, message };
  }
  return { code: "unexpected", message: String(reason) };
}
