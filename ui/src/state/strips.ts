/** Jobs as strips: what looks at photos is one piece of work to a person, however many folders were added one by one. */
import type { JobAction, JobRow, JobState } from "../api/bindings";

export interface Strip {
  /** The same while jobs of it come and go. */
  key: string;
  /** The job whose words it has. */
  job: JobRow;
  state: JobState;
  jobs: readonly JobRow[];
  done: number;
  total: number;
  rate: number;
  eta_seconds: number | null;
}

/** A few photos that were just written are there before anybody has read of it. */
const FEW = 20;
const isShown = (job: JobRow) => job.kind !== "follow" || job.total >= FEW;
const looksAtPhotos = (job: JobRow) => job.kind === "index" || job.kind === "follow";

/** Whether a job is part of the one strip of those that look at photos. */
export const isLooking = (job: JobRow) => looksAtPhotos(job) && isShown(job);

/**
 * The strips for jobs that are not over: one for all that look at photos, one for each of the others. `before` are jobs
 * of that one strip that are done: what they did stays counted while others of it go on.
 */
export function strips(jobs: readonly JobRow[], before: readonly JobRow[] = []): Strip[] {
  const shown = jobs.filter(isShown);
  const looking = shown.filter(looksAtPhotos);
  const others = shown.filter((job) => !looksAtPhotos(job)).map((job) => strip(`${job.id}`, [job], []));
  return looking.length === 0 ? others : [strip("photos", looking, before), ...others];
}

function strip(key: string, jobs: JobRow[], before: readonly JobRow[]): Strip {
  const sum = (value: (job: JobRow) => number) => jobs.reduce((sum, job) => sum + value(job), 0);
  const in_ = (state: JobState) => jobs.find((job) => job.state === state);
  // What goes on says more than what waits, and that more than what is paused.
  const job = jobs.find((job) => job.state === "running" && !job.is_waiting) ?? in_("running") ?? in_("queued") ?? (jobs[0] as JobRow);
  const rate = sum((job) => job.rate);
  const done = before.reduce((done, job) => done + job.done, sum((job) => job.done));
  const total = before.reduce((total, job) => total + job.total, sum((job) => job.total));
  const only = jobs.length === 1;
  const eta_seconds = only ? job.eta_seconds : job.eta_seconds === null || rate <= 0 ? null : Math.max(0, total - done) / rate;
  return { key, job, state: job.state, jobs, done, total, rate, eta_seconds };
}

/** The jobs of a strip that something can be done with. */
export function concerned({ jobs }: Strip, action: JobAction): readonly JobRow[] {
  if (action === "cancel") return jobs;
  return jobs.filter((job) => (job.state === "paused") === (action === "resume"));
}
