import { beforeEach, describe, expect, it } from "vitest";
import { fakePlatform, type FakePlatform, runningJob } from "../fake/platform";
import { usePlatform } from "../platform";
import { SuggestionReview } from "./suggestions.svelte";
import { Teach } from "./teach.svelte";

let fake: FakePlatform;

async function twoAlbums(): Promise<void> {
  await fake.call("create_album", { name: "Rex", photos: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] });
  await fake.call("create_album", { name: "Bella", photos: [21, 22, 23, 24] });
}

beforeEach(async () => {
  fake = fakePlatform({ photos: 300 });
  usePlatform(fake);
  await twoAlbums();
});

describe("teaching", () => {
  it("chooses all albums that have photos, once, and tells what would be learned", async () => {
    const teach = new Teach();
    teach.begin([{ id: 1, photos: 12 }, { id: 2, photos: 4 }, { id: 3, photos: 0 }]);
    expect(teach.chosen).toEqual([1, 2]);
    await teach.look();
    expect(teach.plan?.train).toBe(12);
    expect(teach.plan?.held_out).toBe(4);
    expect(teach.plan?.warnings).toEqual(["few_photos"]);
    teach.toggle(2);
    teach.begin([{ id: 1, photos: 12 }, { id: 2, photos: 4 }]);
    expect(teach.chosen).toEqual([1]);
    teach.toggle(1);
    await teach.look();
    expect(teach.plan).toBeNull();
  });

  it("drops a late answer about albums that are no longer chosen", async () => {
    const teach = new Teach();
    teach.chosen = [1];
    const answer = fake.handlers.teach_plan;
    let release = () => {};
    fake.handlers.teach_plan = async (request) => {
      if (request.albums.length === 1) await new Promise<void>((resolve) => (release = resolve));
      return answer(request);
    };
    const late = teach.look();
    teach.toggle(2);
    await teach.look();
    release();
    await late;
    expect(teach.plan?.labels.length).toBe(2);
  });

  it("follows a lesson and shows its report when it is over", async () => {
    const teach = new Teach();
    teach.chosen = [1, 2];
    const job = await teach.start();
    expect(job.kind).toBe("teach");
    await teach.hear(runningJob({ id: 9, kind: "teach", phase: "train" }));
    expect(teach.job?.id).toBe(9);
    expect(teach.curve.length).toBe(60);
    expect(teach.report).toBeNull();
    await teach.hear(runningJob({ id: 9, kind: "teach", state: "done" }));
    expect(teach.job).toBeNull();
    expect(teach.report?.version.labels).toEqual(["Rex", "Bella"]);
    expect(teach.active).toBeNull();
    await teach.use(1);
    await teach.hear(runningJob({ id: 10, kind: "activate", state: "done" }));
    expect(teach.active?.name).toBe("v1");
  });

  it("does not ask for the curve at every event, and heeds no other jobs", async () => {
    const teach = new Teach();
    teach.chosen = [1];
    await teach.start();
    const asked = () => fake.calls.filter((call) => call.name === "teach_curve").length;
    for (let i = 0; i < 5; i += 1) await teach.hear(runningJob({ id: 9, kind: "teach" }));
    expect(asked()).toBe(1);
    await teach.hear(runningJob({ id: 1, kind: "index", state: "done" }));
    expect(asked()).toBe(1);
    expect(teach.job?.kind).toBe("teach");
  });

  it("sends the advanced settings and forgets the report of a version that is deleted", async () => {
    const teach = new Teach();
    teach.chosen = [1];
    teach.advanced = { epochs: 7, learningRate: 0.01, batch: 16, seed: 3 };
    await teach.start();
    const sent = fake.calls.find((call) => call.name === "teach_start")?.request;
    expect(sent).toMatchObject({ epochs: 7, learning_rate: 0.01, batch: 16, seed: 3, depth: "adapter" });
    await teach.open(1);
    await teach.remove(1);
    expect(teach.report).toBeNull();
    expect(teach.versions).toEqual([]);
  });
});

describe("suggestions", () => {
  async function review(): Promise<SuggestionReview> {
    const teach = new Teach();
    teach.chosen = [1, 2];
    await teach.start();
    await teach.use(1);
    const review = new SuggestionReview();
    await review.refresh(null);
    return review;
  }

  it("asks one by one, keeps answers and takes the last one back", async () => {
    const asked = await review();
    const before = asked.waiting.length;
    const first = asked.current;
    const count = asked.labels.find((label) => label.name === first?.label)?.photos ?? 0;
    await asked.answer("no");
    expect(asked.waiting.length).toBe(before - 1);
    expect(asked.current).not.toEqual(first);
    expect(asked.answers).toBe(1);
    expect(asked.labels.find((label) => label.name === first?.label)?.photos).toBe(count - 1);
    await asked.undo();
    expect(asked.current).toEqual(first);
    expect(asked.answers).toBe(0);
    expect(fake.calls.filter((call) => call.name === "answer_suggestion").map((call) => (call.request as { verdict: string }).verdict)).toEqual(["no", "undo"]);
    await asked.undo();
    expect(asked.answers).toBe(0);
  });

  it("asks about one label only, skips around and ends with nothing to ask", async () => {
    const asked = await review();
    await asked.refresh("Bella");
    expect(new Set(asked.waiting.map((row) => row.label))).toEqual(new Set(["Bella"]));
    asked.skip(-1);
    expect(asked.at).toBe(asked.waiting.length - 1);
    asked.skip(1);
    expect(asked.at).toBe(0);
    while (asked.current !== null) await asked.answer("yes");
    await asked.answer("yes");
    expect(asked.waiting).toEqual([]);
  });
});
