import { beforeEach, describe, expect, it } from "vitest";
import { fakePlatform, type FakePlatform } from "../fake/platform";
import { usePlatform } from "../platform";
import { Safekeeping } from "./safekeeping.svelte";

let fake: FakePlatform;

beforeEach(() => {
  fake = fakePlatform({ photos: 3 });
  usePlatform(fake);
});

describe("safekeeping", () => {
  it("backs up to the file that was chosen, and says when it is at work", async () => {
    const keeping = new Safekeeping();
    const done = keeping.backUp("a grant");
    expect(keeping.busy).toBe("backup");
    expect((await done).bytes).toBe(9_000_000);
    expect(keeping.busy).toBeNull();
    expect(fake.calls.at(-1)).toEqual({ name: "back_up", request: { file: "a grant" } });
  });

  it("is idle again after a failure", async () => {
    const keeping = new Safekeeping();
    fake.handlers.back_up = () => {
      throw { code: "disk_full", message: "the disk is full" };
    };
    await expect(keeping.backUp("a grant")).rejects.toMatchObject({ code: "disk_full" });
    expect(keeping.busy).toBeNull();
  });

  it("knows of no faults before a check, and shows those that it finds", async () => {
    const keeping = new Safekeeping();
    expect(keeping.faults).toBeNull();
    await keeping.check();
    expect(keeping.faults).toEqual([]);
    fake.handlers.check_library = () => ({ faults: ["a page of the file is damaged"] });
    await keeping.check();
    expect(keeping.faults).toEqual(["a page of the file is damaged"]);
  });
});
