/** Work in the background, as the shell tells of it. */
import type { JobAction, JobRow } from "../api/bindings";
import { call } from "../api/call";
import { isLooking } from "./strips";

const over = (job: JobRow) => job.state === "done" || job.state === "cancelled" || job.state === "failed";

export class Jobs {
  /** Jobs that are not over, oldest first. */
  open = $state.raw<JobRow[]>([]);
  /** Jobs that are done while others that look at photos go on. */
  before = $state.raw<JobRow[]>([]);
  #ended: (job: JobRow) => void;
  /** Jobs known to be over. A reply may arrive after the event that tells of the end, and does not bring them back. */
  #gone = new Set<number>();

  /** `ended` hears of every job that is over. */
  constructor(ended: (job: JobRow) => void = () => {}) {
    this.#ended = ended;
  }

  get indexing(): boolean {
    return this.open.some((job) => (job.kind === "index" || job.kind === "follow") && job.state !== "paused");
  }

  /** Takes the whole list. */
  set(jobs: JobRow[]): void {
    this.open = jobs.filter((job) => !over(job) && !this.#gone.has(job.id));
    if (!this.open.some(isLooking)) this.before = [];
  }

  /** Takes news of one job. */
  hear(job: JobRow): void {
    if (this.#gone.has(job.id)) return;
    if (over(job)) {
      this.#gone.add(job.id);
      this.open = this.open.filter((other) => other.id !== job.id);
      if (!this.open.some(isLooking)) this.before = [];
      else if (job.state === "done" && isLooking(job)) this.before = [...this.before, job];
      this.#ended(job);
      return;
    }
    const at = this.open.findIndex((other) => other.id === job.id);
    this.open = at < 0 ? [...this.open, job] : this.open.map((other, index) => (index === at ? job : other));
  }

  async control(job: number, action: JobAction): Promise<void> {
    this.hear(await call("control_job", { job, action }));
  }
}
