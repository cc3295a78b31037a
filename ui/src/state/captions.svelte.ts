/** The caption of the open photo: read, written by the model or by a person, taken back. */
import type { CaptionDetail } from "../api/bindings";
import { call } from "../api/call";

export class Captions {
  photo = $state(-1);
  detail = $state.raw<CaptionDetail | null>(null);
  /** Whether the model writes. */
  writing = $state(false);
  /** Whether one wants to see what the model is not sure of. */
  guessOpen = $state(false);
  /** The text in the field while one edits. */
  draft = $state<string | null>(null);

  /** Whether a caption is just being accepted: a key that is held down accepts it once. */
  #accepting = false;

  text = $derived(this.detail?.current?.text ?? "");
  /** What the model would have written where it has no caption, if one wants to see it. */
  guess = $derived(this.guessOpen && this.detail?.current == null ? (this.detail?.unsure?.guess ?? null) : null);

  /** Shows the caption of a photo; what was being typed under another one is kept there first. */
  async turnTo(photo: number): Promise<void> {
    if (this.photo === photo) return;
    if (this.draft !== null) await this.save();
    this.photo = photo;
    this.detail = this.draft = null;
    this.writing = this.guessOpen = false;
    const detail = await call("caption", { photo });
    if (photo === this.photo) this.detail = detail;
  }

  close(): Promise<void> {
    return this.turnTo(-1);
  }

  /** Lets the model write; tells whether it was not sure, so that the caption that was there stays. */
  async describe(): Promise<boolean> {
    if (this.writing || this.photo < 0) return false;
    const { photo } = this;
    this.draft = null;
    this.writing = true;
    this.guessOpen = false;
    try {
      const detail = await call("describe", { photo });
      if (photo !== this.photo) return false;
      this.detail = detail;
      return detail.unsure !== null && detail.current !== null;
    } finally {
      if (photo === this.photo) this.writing = false;
    }
  }

  edit(): void {
    if (!this.writing) this.draft = this.detail?.current?.text ?? this.guess ?? "";
  }

  /** Keeps what was typed. Nothing typed, or nothing new, changes nothing. */
  async save(): Promise<void> {
    const { draft, photo } = this;
    this.draft = null;
    if (draft === null || draft.trim() === "" || draft.trim() === this.detail?.current?.text) return;
    const detail = await call("write_caption", { photo, text: draft });
    if (photo === this.photo) this.detail = detail;
  }

  /** Takes the model's caption as one's own; tells whether there was one. A guess is shown, and not taken. */
  async accept(): Promise<boolean> {
    const current = this.detail?.current;
    if (this.detail?.unsure != null && current == null && !this.writing) this.guessOpen = true;
    return current?.author === "machine" && (await this.#take(current.text));
  }

  /** Takes the guess that one sees as one's own; tells whether there was one. */
  async acceptGuess(): Promise<boolean> {
    return this.guess !== null && (await this.#take(this.guess));
  }

  async #take(text: string): Promise<boolean> {
    if (this.#accepting) return false;
    const { photo } = this;
    this.#accepting = true;
    try {
      const detail = await call("write_caption", { photo, text });
      if (photo === this.photo) this.detail = detail;
    } finally {
      this.#accepting = false;
    }
    return true;
  }

  async undo(): Promise<void> {
    const { photo } = this;
    const detail = await call("undo_caption", { photo });
    if (photo === this.photo) this.detail = detail;
  }
}
