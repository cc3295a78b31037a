/** What is shown: all photos, those that a query finds, or those like a photo. */
import type { ErrorReply, Filters, SearchReply, Sort } from "../api/bindings";
import { asError, call } from "../api/call";
import { compose, noFilters, parse, type Term } from "./query";

/** Where the photos come from, beside the query. */
export type Scope = { kind: "all" } | { kind: "album"; id: number } | { kind: "folder"; path: string } | { kind: "review" };

/** A photo to compare with. */
export type Example = { kind: "photo"; photo: number } | { kind: "file"; path: string };

/** Matches asked for: more than anybody looks at. */
const LIMIT = 500;

export class Results {
  typed = $state("");
  terms = $state.raw<Term[]>([]);
  filters = $state.raw<Filters>(noFilters());
  sort = $state<Sort>("match");
  scope = $state.raw<Scope>({ kind: "all" });
  example = $state.raw<Example | null>(null);

  /** Strong matches, or everything when there is no query. */
  strong = $state.raw<number[]>([]);
  possible = $state.raw<number[]>([]);
  /** The query that the photos shown answer; empty when they answer none. */
  answered = $state("");
  /** Everything that the photos shown depend on but the library; another value, another list. */
  question = $state("");
  searched = $state(0);
  status = $state<"starting" | "ready" | "failed">("starting");
  /** Whether an answer is on its way. */
  waiting = $state(false);
  error = $state.raw<ErrorReply | null>(null);

  /** All photos shown, in their order. */
  ids = $derived<readonly number[]>(this.possible.length === 0 ? this.strong : [...this.strong, ...this.possible]);
  query = $derived(compose(this.typed, this.terms));
  /** Whether the photos shown answer a query or an example. */
  isSearch = $derived(this.answered !== "" || this.example !== null);

  #latest = 0;
  /** Whether keys were pressed, or the library has changed, since the question that is under way. */
  #askAgain = false;
  #changed: (before: readonly number[], after: readonly number[]) => void;

  /** `changed` hears of every new list of photos. */
  constructor(changed: (before: readonly number[], after: readonly number[]) => void = () => {}) {
    this.#changed = changed;
  }

  /**
   * Takes a key press and asks at once. While an answer is on its way only the last text is kept and asked when
   * it has come: fast where the engine is fast, and never a queue of stale questions.
   */
  type(text: string): void {
    this.typed = text;
    this.example = null;
    if (this.waiting) this.#askAgain = true;
    else void this.ask();
  }

  setTerms(terms: Term[]): Promise<void> {
    this.terms = terms;
    this.example = null;
    return this.ask();
  }

  setFilters(filters: Filters): Promise<void> {
    this.filters = filters;
    return this.ask();
  }

  setSort(sort: Sort): Promise<void> {
    this.sort = sort;
    return this.ask();
  }

  /** Shows an album, a folder or everything, with no query. */
  show(scope: Scope): Promise<void> {
    this.scope = scope;
    this.#forget();
    this.filters = noFilters();
    return this.ask();
  }

  /** Shows the photos that look like one. */
  showLike(example: Example): Promise<void> {
    this.scope = { kind: "all" };
    this.#forget();
    this.filters = noFilters();
    this.example = example;
    return this.ask();
  }

  /** Asks a query of before, its terms as chips again. */
  recall(query: string): Promise<void> {
    const { typed, terms } = parse(query);
    this.typed = typed;
    this.terms = terms;
    this.example = null;
    return this.ask();
  }

  /** Takes back what is asked; the place and its filters stay. */
  clear(): Promise<void> {
    this.#forget();
    return this.ask();
  }

  #forget(): void {
    this.typed = "";
    this.terms = [];
    this.example = null;
  }

  /**
   * Asks the same again because the library has changed.
   *
   * An answer on its way is waited for: while photos are indexed changes may come faster than answers, and would
   * overtake every one of them.
   */
  async refresh(): Promise<void> {
    if (this.waiting) this.#askAgain = true;
    else await this.ask();
  }

  /** Asks now. An answer that a later question has overtaken is dropped. */
  async ask(): Promise<void> {
    this.#askAgain = false;
    this.#latest += 1;
    const question = this.#latest;
    const query = this.query;
    const asked = JSON.stringify([query, this.scope, this.example, this.filters, this.sort]);
    this.waiting = true;
    try {
      const reply = await this.#answer(query);
      if (question !== this.#latest) return;
      const before = this.ids;
      this.strong = reply.strong;
      this.possible = reply.possible;
      this.searched = reply.searched;
      this.answered = query;
      this.question = asked;
      this.error = null;
      this.status = "ready";
      this.#changed(before, this.ids);
    } catch (reason) {
      if (question !== this.#latest) return;
      this.error = asError(reason);
      this.status = "failed";
    }
    this.waiting = false;
    if (this.#askAgain) await this.ask();
  }

  async #answer(query: string): Promise<SearchReply> {
    const example = this.example;
    if (example?.kind === "photo") return call("similar", { photo: example.photo, limit: LIMIT });
    if (example?.kind === "file") return call("similar_to_file", { path: example.path, limit: LIMIT });
    const filters = this.#conditions();
    if (query !== "") return call("search", { query, limit: LIMIT, filters, sort: this.sort });
    if (this.scope.kind === "review") {
      const { ids } = await call("captions_to_review", null);
      return { strong: ids, possible: [], searched: ids.length, took_ms: 0 };
    }
    const { ids } = await call("photos", { filters, sort: this.sort });
    return { strong: ids, possible: [], searched: ids.length, took_ms: 0 };
  }

  #conditions(): Filters {
    const scope = this.scope;
    if (scope.kind === "album") return { ...this.filters, album: scope.id };
    if (scope.kind === "folder") return { ...this.filters, folder: scope.path };
    return this.filters;
  }
}
