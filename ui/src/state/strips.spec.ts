import { describe, expect, it } from "vitest";
import { runningJob } from "../fake/platform";
import { Jobs } from "./jobs.svelte";
import { concerned, strips } from "./strips";

describe("strips of work", () => {
  it("are one for all that looks at photos, with sums", () => {
    const jobs = [
      runningJob({ id: 1, done: 120, total: 480, rate: 24 }),
      runningJob({ id: 2, kind: "caption", done: 1, total: 3 }),
      runningJob({ id: 3, state: "queued", done: 0, total: 0, rate: 0, eta_seconds: null }),
      runningJob({ id: 4, kind: "follow", done: 10, total: 40, rate: 6 }),
      runningJob({ id: 5, kind: "follow", done: 1, total: 2 }),
    ];
    const [photos, caption, ...more] = strips(jobs);
    expect(more).toEqual([]);
    expect(photos).toMatchObject({ done: 130, total: 520, rate: 30, eta_seconds: 13, state: "running" });
    expect(caption).toMatchObject({ done: 1, total: 3, job: jobs[1] });
  });

  it("act on all their jobs", () => {
    const jobs = [runningJob({ id: 1 }), runningJob({ id: 2, state: "queued" }), runningJob({ id: 3, state: "paused" })];
    const [strip] = strips(jobs);
    const ids = (action: "pause" | "resume" | "cancel") => strip && concerned(strip, action).map((job) => job.id);
    expect(ids("pause")).toEqual([1, 2]);
    expect(ids("resume")).toEqual([3]);
    expect(ids("cancel")).toEqual([1, 2, 3]);
    const paused = jobs.map((job) => ({ ...job, state: "paused" as const }));
    expect(strips(paused)[0]?.state).toBe("paused");
  });

  it("do not run backwards when one of their jobs is done", () => {
    const jobs = new Jobs();
    const share = () => {
      const [strip] = strips(jobs.open, jobs.before);
      return strip && strip.done / strip.total;
    };
    jobs.hear(runningJob({ id: 1, done: 90, total: 100 }));
    jobs.hear(runningJob({ id: 2, done: 0, total: 100 }));
    expect(share()).toBe(0.45);
    jobs.hear(runningJob({ id: 1, state: "done", done: 100, total: 100 }));
    expect(share()).toBe(0.5);
    jobs.hear(runningJob({ id: 2, state: "done", done: 100, total: 100 }));
    expect(strips(jobs.open, jobs.before)).toEqual([]);
    jobs.hear(runningJob({ id: 3, done: 10, total: 100 }));
    expect(share()).toBe(0.1);
  });
});
