import { beforeEach, describe, expect, it } from "vitest";
import { fakePlatform, type FakePlatform, runningJob } from "../fake/platform";
import { usePlatform } from "../platform";
import { Duplicates } from "./duplicates.svelte";

let fake: FakePlatform;

async function found(): Promise<Duplicates> {
  const duplicates = new Duplicates();
  await duplicates.look();
  await duplicates.hear(runningJob({ id: 20, kind: "duplicates", state: "done" }));
  return duplicates;
}

const asked = (name: string) => fake.calls.filter((call) => call.name === name).map((call) => call.request);

beforeEach(() => {
  fake = fakePlatform({ photos: 60 });
  usePlatform(fake);
});

describe("duplicates", () => {
  it("shows nothing until they were looked for", async () => {
    const duplicates = new Duplicates();
    await duplicates.refresh();
    expect(duplicates.looked).toBe(false);
    const job = await duplicates.look();
    expect(duplicates.job).toEqual(job);
    await duplicates.hear(runningJob({ id: 1, kind: "index", state: "done" }));
    expect(duplicates.job).toEqual(job);
    await duplicates.hear(runningJob({ id: 20, kind: "duplicates", state: "done" }));
    expect(duplicates.job).toBeNull();
    expect(duplicates.count).toBe(6);
    expect(duplicates.current?.files.length).toBe(2);
  });

  it("does not wait for a search that was over before its reply came", async () => {
    const duplicates = new Duplicates();
    const answer = fake.handlers.find_duplicates;
    fake.handlers.find_duplicates = async (request) => {
      const job = await answer(request);
      await duplicates.hear({ ...job, state: "done" });
      return job;
    };
    await duplicates.look();
    expect(duplicates.job).toBeNull();
    expect(duplicates.count).toBe(6);
  });

  it("decides on nothing by itself, and keeps the best where nothing else is chosen", async () => {
    const duplicates = await found();
    expect(duplicates.total).toEqual({ groups: 0, files: 0, bytes: 0 });
    duplicates.keep();
    expect(duplicates.at).toBe(1);
    duplicates.choose(1);
    duplicates.choose(7);
    duplicates.keep();
    // The smaller file of the first group and the larger one of the second go.
    expect(duplicates.total).toEqual({ groups: 2, files: 2, bytes: 1_500_000 + 2_000_000 });
    const [first, second] = duplicates.groups;
    await duplicates.trash();
    expect(asked("trash_duplicates")).toEqual([
      {
        groups: [
          { kept: first?.files[0]?.place, gone: [first?.files[1]?.place] },
          { kept: second?.files[1]?.place, gone: [second?.files[0]?.place] },
        ],
      },
    ]);
    await duplicates.hear(runningJob({ id: 21, kind: "trash", state: "done" }));
    expect([duplicates.count, duplicates.undoable, duplicates.total.files]).toEqual([4, 2, 0]);
    await duplicates.undoTrash();
    expect([duplicates.count, duplicates.undoable]).toEqual([6, 0]);
  });

  it("leaves a skipped group alone, also one that was decided on", async () => {
    const duplicates = await found();
    duplicates.keepAllBest();
    expect(duplicates.total.groups).toBe(6);
    duplicates.skip();
    expect(duplicates.total.groups).toBe(5);
    duplicates.decideNothing();
    expect(duplicates.total.groups).toBe(0);
  });

  it("remembers what are no duplicates, and takes that back", async () => {
    const duplicates = await found();
    duplicates.step(2);
    const group = duplicates.current;
    duplicates.keepAllBest();
    await duplicates.refuse();
    expect(duplicates.groups).not.toContain(group);
    expect([duplicates.count, duplicates.total.groups]).toEqual([5, 5]);
    expect(asked("no_duplicates")).toEqual([{ photos: group?.photos, undo: false }]);
    await duplicates.undo();
    expect(duplicates.current).toEqual(group);
    expect(duplicates.count).toBe(6);
    await duplicates.undo();
    expect(asked("no_duplicates").length).toBe(2);
  });

  it("steps through and stays at either end", async () => {
    const duplicates = await found();
    duplicates.step(-1);
    expect(duplicates.at).toBe(0);
    duplicates.step(99);
    expect(duplicates.at).toBe(5);
  });

  it("keeps every decision when a search or a move fails", async () => {
    const duplicates = await found();
    duplicates.keep();
    fake.handlers.trash_duplicates = () => {
      throw { code: "last_copy", message: "one file has to stay" };
    };
    await expect(duplicates.trash()).rejects.toEqual({ code: "last_copy", message: "one file has to stay" });
    expect(duplicates.total.groups).toBe(1);
    expect(duplicates.job).toBeNull();
  });
});
