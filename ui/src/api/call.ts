/** The way to the engine: one function for every command of the generated list. */
import { platform } from "../platform";
import type { ErrorReply, Rpc } from "./bindings";

export function call<K extends keyof Rpc>(name: K, request: Rpc[K][0]): Promise<Rpc[K][1]> {
  return platform().call(name, request);
}

/** What a rejected call holds; anything else is a bug of the shell and is shown as it is. */
export function asError(reason: unknown): ErrorReply {
  if (typeof reason === "object" && reason !== null && "code" in reason && "message" in reason) {
    return reason as ErrorReply;
  }
  return { code: "unexpected", message: String(reason) };
}
