/** The query as its parts, and as one line in the query language (see the README). */
import type { Filters } from "../api/bindings";

/** A term beside what is typed: `like` pulls towards it, else it pushes away. */
export interface Term {
  text: string;
  like: boolean;
  weight: 1 | 2 | 3;
}

export function noFilters(): Filters {
  return { after: null, before: null, camera: null, lens: null, rating: null, place: null, folder: null, format: null, album: null };
}

export function hasFilters(filters: Filters): boolean {
  return Object.values(filters).some((value) => value !== null);
}

/** All that the query language takes for a quote. */
const QUOTES = /["\u201c\u201d\u201e]/g;
/** A term as `compose` writes it, at the end of a query. */
const LAST_TERM = /(?:^|\s)(-?)(?:([23])\*)?"([^"\u201c\u201d\u201e]+)"$/;

/** Signs before nothing and stray quotes: on its way to a query, and none yet. */
const NOTHING = /^[\s+\u2212"\u201c\u201d\u201e-]*$/;

/** The whole query on one line; empty where it says nothing yet. */
export function compose(typed: string, terms: Term[]): string {
  const parts = terms.map(({ text, like, weight }) => {
    const quoted = `"${text.replace(QUOTES, " ").trim()}"`;
    const weighted = weight === 1 ? quoted : `${weight}*${quoted}`;
    return like ? weighted : `-${weighted}`;
  });
  const words = NOTHING.test(typed) ? "" : typed.trim();
  // A quote that is still open would take in the terms after it.
  const isOpen = parts.length > 0 && (words.match(QUOTES)?.length ?? 0) % 2 === 1;
  return [isOpen ? `${words}"` : words, ...parts].filter((part) => part !== "").join(" ");
}

/** The term with the next weight: 1, 2, 3, and 1 again. */
export function heavier(term: Term): Term {
  const next = { 1: 2, 2: 3, 3: 1 } as const;
  return { ...term, weight: next[term.weight] };
}

/** Takes apart what `compose` has put together; whatever is no term of that form counts as typed. */
export function parse(query: string): { typed: string; terms: Term[] } {
  const terms: Term[] = [];
  let typed = query.trim();
  for (let found = LAST_TERM.exec(typed); found !== null; found = LAST_TERM.exec(typed)) {
    const [, sign, weight, text = ""] = found;
    terms.unshift({ text, like: sign === "", weight: weight === "2" ? 2 : weight === "3" ? 3 : 1 });
    typed = typed.slice(0, found.index).trimEnd();
  }
  return { typed, terms };
}
