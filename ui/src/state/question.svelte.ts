/** A question about the open photo and its answer. */
import { asError, call } from "../api/call";

export class Question {
  photo = $state(-1);
  /** The text in the field; null while the field is shut. */
  draft = $state<string | null>(null);
  /** What was asked last of this photo. */
  asked = $state("");
  answer = $state.raw<{ text: string; model: string } | null>(null);
  /** Whether the model is at work. */
  answering = $state(false);
  /** Whether no model on this computer answers. */
  lacksModel = $state(false);

  /** Counts questions: an answer to an earlier one is dropped. */
  #count = 0;

  /** Another photo: what was asked of the last one is put away, and its answer ended. */
  async turnTo(photo: number): Promise<void> {
    if (this.photo === photo) return;
    this.photo = photo;
    await this.close();
  }

  open(): void {
    this.draft ??= "";
  }

  /** Shuts the field and ends what is under way. */
  async close(): Promise<void> {
    this.draft = this.answer = null;
    this.asked = "";
    this.lacksModel = false;
    await this.stop();
  }

  /** Asks what was typed. Nothing typed asks nothing. */
  async ask(): Promise<void> {
    const question = this.draft?.trim() ?? "";
    if (question === "" || this.photo < 0) return;
    const count = ++this.#count;
    this.asked = question;
    this.answer = null;
    this.lacksModel = false;
    this.answering = true;
    try {
      const { text, model, stopped } = await call("ask", { photo: this.photo, question });
      if (count === this.#count && !stopped) this.answer = { text, model };
    } catch (reason) {
      if (count !== this.#count) return;
      if (asError(reason).code !== "no_answerer") throw reason;
      this.lacksModel = true;
    } finally {
      if (count === this.#count) this.answering = false;
    }
  }

  /** Ends the answer under way. */
  async stop(): Promise<void> {
    if (!this.answering) return;
    this.#count++;
    this.answering = false;
    await call("stop_asking", null);
  }
}
