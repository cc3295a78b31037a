/** Photos that seem to be of a label: asked about one by one, every answer kept and learned from next time. */
import type { SuggestedLabel, SuggestionRow, Verdict } from "../api/bindings";
import { call } from "../api/call";

/** Photos that are asked about at a time. */
const AT_ONCE = 200;

interface Answered {
  row: SuggestionRow;
  place: number;
}

export class SuggestionReview {
  labels = $state.raw<SuggestedLabel[]>([]);
  label = $state<string | null>(null);
  waiting = $state.raw<SuggestionRow[]>([]);
  /** Index of the photo that is asked about. */
  at = $state(0);
  answers = $state(0);

  current = $derived(this.waiting[this.at] ?? null);

  #answered: Answered[] = [];

  /** Asks anew; `label` null asks about all. */
  async refresh(label: string | null = this.label): Promise<void> {
    const { labels, photos } = await call("suggestions", { label, limit: AT_ONCE });
    this.labels = labels;
    this.label = label;
    this.waiting = photos;
    this.at = 0;
    this.#answered = [];
  }

  clear(): void {
    this.labels = [];
    this.waiting = [];
    this.at = 0;
  }

  async answer(verdict: Exclude<Verdict, "undo">): Promise<void> {
    const row = this.current;
    if (row === null) return;
    const place = this.at;
    await call("answer_suggestion", { photo: row.photo, label: row.label, verdict });
    this.#answered.push({ row, place });
    this.answers += 1;
    this.waiting = this.waiting.filter((other) => other !== row);
    this.at = Math.min(place, Math.max(0, this.waiting.length - 1));
    this.#count(row.label, -1);
  }

  async undo(): Promise<void> {
    const last = this.#answered.pop();
    if (last === undefined) return;
    const { row, place } = last;
    await call("answer_suggestion", { photo: row.photo, label: row.label, verdict: "undo" });
    this.answers -= 1;
    this.waiting = [...this.waiting.slice(0, place), row, ...this.waiting.slice(place)];
    this.at = place;
    this.#count(row.label, 1);
  }

  skip(by: number): void {
    if (this.waiting.length > 0) this.at = (this.at + by + this.waiting.length) % this.waiting.length;
  }

  #count(label: string, by: number): void {
    this.labels = this.labels.map((row) => (row.name === label ? { ...row, photos: row.photos + by } : row));
  }
}
