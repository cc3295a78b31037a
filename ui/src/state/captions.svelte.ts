/** The caption of the open photo: read, written by the model as one looks on, edited, taken back. */
import type { CaptionDetail, CaptionSoFar } from "../api/bindings";
import { call } from "../api/call";

export class Captions {
  photo = $state(-1);
  detail = $state.raw<CaptionDetail | null>(null);
  /** What the model has written so far, while it writes. */
  soFar = $state<string | null>(null);
  /** The text in the field while one edits. */
  draft = $state<string | null>(null);

  /** Whether a caption is just being accepted: a key that is held down accepts it once. */
  #accepting = false;

  text = $derived(this.soFar ?? this.detail?.current?.text ?? "");

  /** Shows the caption of a photo; what was being typed under another one is kept there first. */
  async turnTo(photo: number): Promise<void> {
    if (this.photo === photo) return;
    if (this.draft !== null) await this.save();
    this.photo = photo;
    this.detail = this.soFar = this.draft = null;
    const detail = await call("caption", { photo });
    if (photo === this.photo) this.detail = detail;
  }

  close(): Promise<void> {
    return this.turnTo(-1);
  }

  /** Hears of a caption under way. */
  hear({ photo, text }: CaptionSoFar): void {
    if (photo === this.photo && this.soFar !== null) this.soFar = text;
  }

  async describe(): Promise<void> {
    if (this.soFar !== null || this.photo < 0) return;
    const { photo } = this;
    this.draft = null;
    this.soFar = "";
    try {
      const detail = await call("describe", { photo });
      if (photo === this.photo) this.detail = detail;
    } finally {
      if (photo === this.photo) this.soFar = null;
    }
  }

  edit(): void {
    if (this.soFar === null) this.draft = this.detail?.current?.text ?? "";
  }

  /** Keeps what was typed. Nothing typed, or nothing new, changes nothing. */
  async save(): Promise<void> {
    const { draft, photo } = this;
    this.draft = null;
    if (draft === null || draft.trim() === "" || draft.trim() === this.detail?.current?.text) return;
    const detail = await call("write_caption", { photo, text: draft });
    if (photo === this.photo) this.detail = detail;
  }

  /** Takes the model's caption as one's own; tells whether there was one. */
  async accept(): Promise<boolean> {
    const current = this.detail?.current;
    if (this.#accepting || current == null || current.author !== "machine") return false;
    const { photo } = this;
    this.#accepting = true;
    try {
      const detail = await call("write_caption", { photo, text: current.text });
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
