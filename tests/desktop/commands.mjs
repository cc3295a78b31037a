/** The commands as the generated types have them, and requests that name something in every place where one can. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const file = join(resolve(import.meta.dirname, "../.."), "ui/src/api/bindings.ts");
const source = readFileSync(file, "utf8").replace(/\/\*\*.*?\*\//gs, "");
const types = new Map([...source.matchAll(/^export type (\w+) = (.*?);\n\n/gms)].map(([, name, body]) => [name, body.trim()]));
const rpc = /export interface Rpc \{\n(.*?)\n\}/s.exec(source)[1];
/** Places where a request may name something, by what they are. */
const NAMING = ["string", "Grant", "KnownPath"];

const optional = (type) => / \| null$/.exec(type);
const fields = (body) =>
  [...body.matchAll(/(\w+): ([^,]+(?:<[^>]*>[^,]*)?),/g)].map(([, name, type]) => ({ name, type: type.trim() }));

/** Each place of a type that may name something, by its way there: `filters.folder`. */
function places(type, way) {
  if (optional(type)) return places(type.replace(optional(type)[0], ""), way);
  if (NAMING.includes(type)) return [{ way, kind: type }];
  const list = /^Array<(.*)>$/.exec(type);
  if (list) return places(list[1], way);
  const body = types.get(type);
  if (body === undefined || !body.startsWith("{")) return [];
  return fields(body).flatMap(({ name, type }) => places(type, way === "" ? name : `${way}.${name}`));
}

/** A value of a type, with `value` at one place and as little as may be elsewhere; `number` stands for all numbers. */
function build(type, way, at, value, number) {
  const isOnTheWay = at === way || way === "" || at.startsWith(`${way}.`);
  if (optional(type)) return isOnTheWay ? build(type.replace(optional(type)[0], ""), way, at, value, number) : null;
  if (NAMING.includes(type)) return way === at ? value : "x";
  if (type === "number") return number;
  if (type === "boolean") return false;
  if (type === "null") return null;
  const list = /^Array<(.*)>$/.exec(type);
  if (list) return [build(list[1], way, at, value, number)];
  const body = types.get(type);
  if (body === undefined) throw new Error(`${file} has no type ${type}`);
  if (!body.startsWith("{")) return /"(\w+)"/.exec(body)[1];
  const entry = ({ name, type }) => [name, build(type, way === "" ? name : `${way}.${name}`, at, value, number)];
  return Object.fromEntries(fields(body).map(entry));
}

/** Every command: its name, the places in its request that may name something, and how to make a request. */
export const commands = [...rpc.matchAll(/^ *(\w+): \[(.*?), /gm)].map(([, name, type]) => ({
  name,
  places: places(type, ""),
  /** A request with a value at a place. */
  request: (at, value, number) => build(type, "", at, value, number),
}));

/** What can be chosen for a command. */
export const purposes = [...types.get("Purpose").matchAll(/"(\w+)"/g)].map(([, name]) => name);
