/** The query as its parts, and as one line in the query language (see the README). */
import type { Filters } from "../api/bindings";

/** A term beside what is typed: `like` pulls towards it, else it pushes away. */
export interface Term {
  text: string;
  like: boolean;
  weight: 1 | 2 | 3;
}

export function noFilters(): Filters {
  return { after: null, before: null, camera: null, folder: null, format: null, album: null };
}

export function hasFilters(filters: Filters): boolean {
  return Object.values(filters).some((value) => value !== null);
}

/** The whole query on one line. */
export function compose(typed: string, terms: Term[]): string {
  const parts = terms.map(({ text, like, weight }) => {
    const quoted = `"${text.replaceAll('"', " ").trim()}"`;
    const weighted = weight === 1 ? quoted : `${weight}*${quoted}`;
    return like ? weighted : `-${weighted}`;
  });
  return [typed.trim(), ...parts].filter((part) => part !== "").join(" ");
}

/** The term with the next weight: 1, 2, 3, and 1 again. */
export function heavier(term: Term): Term {
  const next = { 1: 2, 2: 3, 3: 1 } as const;
  return { ...term, weight: next[term.weight] };
}
