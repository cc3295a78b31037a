/** The way to the engine: one function for every command of the generated list. */
import { t } from "../i18n/index.svelte";
import { platform } from "../platform";
import type { ErrorReply, Rpc } from "./bindings";

export function call<K extends keyof Rpc>(name: K, request: Rpc[K][0]): Promise<Rpc[K][1]> {
  return platform().call(name, request);
}

/** What a rejected call holds; anything else is a bug of the shell and is shown as it is. */
export function asError(reason: unknown): ErrorReply {
  if (typeof reason === "object" && reason !== null && "code" in reason && "message" in reason) {
    const error = reason as ErrorReply;
    // The engine's own words name a way of the command line.
    return error.code === "library_read_only" ? { ...error, message: t().start.readOnlyRefused } : error;
  }
  return { code: "unexpected", message: String(reason) };
}
