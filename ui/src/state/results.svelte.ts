/** What is shown: all photos, those that a query finds, or those like a photo. */
import type { Beyond, ChipRow, ErrorReply, Filters, Granted, SearchReply, Sort, UnknownValue } from "../api/bindings";
import { asError, call } from "../api/call";
import { compose, noFilters, parse, type Term } from "./query";

/** Where the photos come from, beside the query. */
export type Scope = { kind: "all" } | { kind: "album"; id: number } | { kind: "folder"; path: string } | { kind: "review" };

/** A photo to compare with. */
export type Example = { kind: "photo"; photo: number } | { kind: "file"; file: Granted };

/** Matches asked for at a time. */
const LIMIT = 500;
/** Photos below the bar of a possible match that are asked for at a time. */
const LESS_LIKELY = 200;
/** Milliseconds after which photos that answer an earlier question are marked as such: most answers come before. */
const MARKED_AFTER = 150;

/** Photos in an order that says nothing of how well they match. */
function listed(ids: number[]): SearchReply {
  return { strong: ids, possible: [], less_likely: [], beyond: "nothing", unknown: null, chips: [], judged: false, searched: ids.length, took_ms: 0 };
}

export class Results {
  typed = $state("");
  terms = $state.raw<Term[]>([]);
  filters = $state.raw<Filters>(noFilters());
  /** Words that stay words, of chips that were taken off; they do until other words are typed in their place. */
  asWords = $state.raw<readonly string[]>([]);
  /** What was understood of the words that the photos shown answer. */
  chips = $state.raw<ChipRow[]>([]);
  sort = $state<Sort>("match");
  scope = $state.raw<Scope>({ kind: "all" });
  example = $state.raw<Example | null>(null);

  /** Strong matches, or everything when there is no query. */
  strong = $state.raw<number[]>([]);
  possible = $state.raw<number[]>([]);
  /** Those after the possible ones, when they are asked for. */
  lessLikely = $state.raw<number[]>([]);
  /** What the library has after the photos shown. */
  beyond = $state<Beyond>("nothing");
  /** A filter's value that no photo has, where nothing was found. */
  unknown = $state.raw<UnknownValue | null>(null);
  /** Whether the photos shown were judged by how they look, and not only by what was said of them. */
  judged = $state(true);
  /** The query that the photos shown answer; empty when they answer none. */
  answered = $state("");
  /** Everything that the photos shown depend on but the library; another value, another list. */
  question = $state("");
  searched = $state(0);
  status = $state<"starting" | "ready" | "failed">("starting");
  /** Whether an answer is on its way. */
  waiting = $state(false);
  /** Whether the photos shown have answered an earlier question for a while. */
  stale = $state(false);
  error = $state.raw<ErrorReply | null>(null);

  /** All photos shown, in their order. */
  ids = $derived<readonly number[]>(
    this.possible.length + this.lessLikely.length === 0 ? this.strong : [...this.strong, ...this.possible, ...this.lessLikely],
  );
  /** Photos shown that match. */
  matches = $derived(this.strong.length + this.possible.length);
  query = $derived(compose(this.typed, this.terms));
  /** Whether the photos shown answer a query or an example. */
  isSearch = $derived(this.answered !== "" || this.example !== null);

  #latest = 0;
  /** The question that the two numbers below belong to. */
  #wanted = "";
  #limit = LIMIT;
  #lessLikely = 0;
  #marking: ReturnType<typeof setTimeout> | undefined;
  /** Whether keys were pressed, or the library has changed, since the question that is under way. */
  #askAgain = false;
  #changed: (before: readonly number[], after: readonly number[]) => void;

  /** `changed` hears of every new list of photos. */
  constructor(changed: (before: readonly number[], after: readonly number[]) => void = () => {}) {
    this.#changed = changed;
  }

  /**
   * Takes a key press and asks at once. While an answer is on its way only the last text is kept and asked when
   * it has come: fast where the engine is fast, and never a queue of stale questions. The same asked again, because
   * photos came while they are indexed, is overtaken: nobody waits for it.
   */
  type(text: string): void {
    this.typed = text;
    const lower = text.toLowerCase();
    if (this.asWords.some((words) => !lower.includes(words.toLowerCase()))) this.asWords = this.asWords.filter((words) => lower.includes(words.toLowerCase()));
    this.example = null;
    this.#mark();
    if (this.waiting && this.#wanted !== this.question) this.#askAgain = true;
    else void this.ask();
  }

  setTerms(terms: Term[]): Promise<void> {
    this.terms = terms;
    this.example = null;
    return this.ask();
  }

  /** Takes off what was understood: its words are what a photo shows. */
  takeAsWords(chip: ChipRow): Promise<void> {
    this.asWords = [...this.asWords, chip.words];
    return this.ask();
  }

  /** Shows the same question's photos in the whole library. */
  everywhere(): Promise<void> {
    this.scope = { kind: "all" };
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
    this.asWords = [];
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
    this.asWords = [];
    this.example = null;
  }

  /** Shows more of what there is: matches first, then what is less likely. */
  showMore(): Promise<void> {
    if (this.beyond === "matches") this.#limit += LIMIT;
    else this.#lessLikely += LESS_LIKELY;
    return this.ask();
  }

  /** Everything that an answer depends on but the library and how much is wanted. */
  #question(): string {
    return JSON.stringify([this.query, this.asWords, this.scope, this.example, this.filters, this.sort]);
  }

  /** Sees to it that photos of an earlier question are marked soon, and those of the present one are not. */
  #mark(): void {
    if (this.question === "" || this.#question() === this.question) {
      clearTimeout(this.#marking);
      this.#marking = undefined;
      this.stale = false;
    } else {
      this.#marking ??= setTimeout(() => (this.stale = true), MARKED_AFTER);
    }
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
    const asked = this.#question();
    if (asked !== this.#wanted) {
      this.#wanted = asked;
      this.#limit = LIMIT;
      this.#lessLikely = 0;
    }
    this.#mark();
    this.waiting = true;
    try {
      const reply = await this.#answer(query);
      if (question !== this.#latest) return;
      const before = this.ids;
      this.strong = reply.strong;
      this.possible = reply.possible;
      this.lessLikely = reply.less_likely;
      this.judged = reply.judged;
      this.beyond = reply.beyond;
      this.unknown = reply.unknown;
      this.chips = reply.chips;
      this.searched = reply.searched;
      this.answered = query;
      this.question = asked;
      this.error = null;
      this.status = "ready";
      // The next letter has its own while.
      clearTimeout(this.#marking);
      this.#marking = undefined;
      this.#mark();
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
    if (example?.kind === "photo") return call("similar", { photo: example.photo, limit: this.#limit });
    if (example?.kind === "file") return call("similar_to_file", { file: example.file.grant, limit: this.#limit });
    const filters = this.#conditions();
    if (query !== "") return call("search", { query, limit: this.#limit, less_likely: this.#lessLikely, filters, sort: this.sort, as_words: [...this.asWords] });
    if (this.scope.kind === "review") {
      const { ids } = await call("captions_to_review", null);
      return listed(ids);
    }
    const { ids } = await call("photos", { filters, sort: this.sort });
    return listed(ids);
  }

  #conditions(): Filters {
    const scope = this.scope;
    if (scope.kind === "album") return { ...this.filters, album: scope.id };
    if (scope.kind === "folder") return { ...this.filters, folder: scope.path };
    return this.filters;
  }
}
