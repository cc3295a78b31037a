/** What a person is asked before something is forgotten, and what there is to forget. */
import type { Forget, ForgetPlan, FolderRow, JobRow, Privacy } from "../api/bindings";
import { call } from "../api/call";

export type ForgetSubject =
  | { kind: "photos"; photos: number[] }
  | { kind: "folder"; folder: FolderRow }
  | { kind: "missing"; count: number }
  | { kind: "searches" };

export class Forgetting {
  /** What the open question is about. */
  subject = $state.raw<ForgetSubject | null>(null);
  /** What it would come to, once that is known. */
  plan = $state.raw<ForgetPlan | null>(null);
  /** What there is to forget and to let in again; null before it was read. */
  privacy = $state.raw<Privacy | null>(null);
  #asked = 0;

  /** Asks whether something is to be forgotten. */
  async ask(subject: ForgetSubject): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    this.plan = null;
    const plan = await call("forget_plan", requestOf(subject));
    if (asked !== this.#asked) return;
    this.plan = plan;
    this.subject = subject;
  }

  /** Leaves all as it is. */
  close(): void {
    this.#asked += 1;
    this.subject = null;
  }

  /** The answer that it is; gives the job that does it. */
  async confirm(): Promise<JobRow | null> {
    const { subject } = this;
    this.close();
    return subject === null ? null : await call("forget", requestOf(subject));
  }

  async look(): Promise<void> {
    this.privacy = await call("privacy", null);
  }

  async letIn(): Promise<void> {
    await call("let_all_in", null);
    await this.look();
  }
}

function requestOf(subject: ForgetSubject): Forget {
  return {
    photos: subject.kind === "photos" ? subject.photos : [],
    folder: subject.kind === "folder" ? subject.folder.id : null,
    missing: subject.kind === "missing",
    searches: subject.kind === "searches",
  };
}
