/** What can complete the filter that is being typed: `in:`, `camera:` or `#`. */
import type { AlbumRow, Facets } from "../api/bindings";

export interface Unfinished {
  kind: "in" | "camera" | "keyword";
  /** Where its value begins in the text. */
  at: number;
  /** As far as it is typed. */
  value: string;
}

const LAST = /(?:^|\s)(in:|camera:|#)(["\u201c\u201e]?)([^"\u201c\u201d\u201e]*)$/iu;
/** Values shown at a time. */
const MOST = 8;

/** The filter at the end of a text, if it can go on; without a quote its value ends with a blank. */
export function unfinished(text: string): Unfinished | null {
  const found = LAST.exec(text);
  if (found === null) return null;
  const [, name = "", quote = "", value = ""] = found;
  if (quote === "" && /\s/.test(value)) return null;
  const kind = name === "#" ? "keyword" : name.toLowerCase() === "in:" ? "in" : "camera";
  return { kind, at: text.length - value.length - quote.length, value };
}

const folded = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Values that begin like what is typed, or of which a word does; the first kind first. */
export function completions({ kind, value }: Unfinished, facets: Facets, albums: readonly AlbumRow[]): string[] {
  const names = (values: { value: string }[]) => values.map(({ value }) => value);
  const all =
    kind === "camera"
      ? names(facets.cameras)
      : kind === "keyword"
        ? names(facets.keywords)
        : [
            ...names(facets.places).flatMap((place) => place.split(",").map((name) => name.trim())),
            ...albums.map(({ name }) => name),
            ...names(facets.folders).map((path) => path.split(/[\\/]/).filter(Boolean).at(-1) ?? path),
          ];
  const typed = folded(value);
  const begins = (name: string) => folded(name).startsWith(typed);
  const goesOn = (name: string) => !begins(name) && folded(name).split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(typed));
  const different = new Map(all.filter((name) => name !== "" && !name.includes('"')).map((name) => [folded(name), name]));
  const fitting = [...different.values()].filter((name) => folded(name) !== typed);
  return [...fitting.filter(begins), ...fitting.filter(goesOn)].slice(0, MOST);
}

/** The text with the value in the place of what was typed of it, in quotes where it has blanks. */
export function complete(text: string, { at }: Unfinished, value: string): string {
  return `${text.slice(0, at)}${/\s/.test(value) ? `"${value}"` : value} `;
}
