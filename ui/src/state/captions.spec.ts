import { beforeEach, describe, expect, it } from "vitest";
import { type FakePlatform, fakePlatform } from "../fake/platform";
import { usePlatform } from "../platform";
import { Captions } from "./captions.svelte";

let fake: FakePlatform;
let captions: Captions;
beforeEach(async () => {
  fake = fakePlatform({ photos: 3 });
  usePlatform(fake);
  captions = new Captions();
  await captions.turnTo(1);
});

describe("a caption", () => {
  it("is shown word by word while the model writes, of the open photo only", async () => {
    const describe = fake.handlers.describe;
    fake.handlers.describe = async (request) => {
      captions.hear({ photo: 1, text: "A dog" });
      expect(captions.text).toBe("A dog");
      captions.hear({ photo: 2, text: "A cat" });
      expect(captions.text).toBe("A dog");
      return describe(request);
    };
    await captions.describe();
    expect(captions.text).toBe("A dog runs.");
    expect(captions.detail?.uncertain).toEqual(["runs."]);
    expect(captions.soFar).toBeNull();
  });

  it("that arrives late does not show under another photo", async () => {
    let finish = () => {};
    const describe = fake.handlers.describe;
    fake.handlers.describe = async (request) => {
      await new Promise<void>((resolve) => (finish = resolve));
      return describe(request);
    };
    const writing = captions.describe();
    await captions.turnTo(2);
    finish();
    await writing;
    expect(captions.text).toBe("");
    expect(captions.soFar).toBeNull();
  });

  it("that is typed is kept when one turns to another photo, and can be taken back", async () => {
    await captions.describe();
    captions.edit();
    captions.draft = "  Rex ";
    await captions.turnTo(2);
    await captions.turnTo(1);
    expect(captions.detail?.current?.text.trim()).toBe("Rex");
    expect(captions.detail?.current?.author).toBe("person");
    await captions.undo();
    expect(captions.text).toBe("A dog runs.");
  });

  it("that is blank or unchanged is not written", async () => {
    await captions.describe();
    for (const draft of ["", "  ", "A dog runs."]) {
      captions.draft = draft;
      await captions.save();
    }
    expect(fake.calls.filter((call) => call.name === "write_caption")).toEqual([]);
  });

  it("of the model is accepted once", async () => {
    expect(await captions.accept()).toBe(false);
    await captions.describe();
    expect(await captions.accept()).toBe(true);
    expect(captions.detail?.current?.author).toBe("person");
    expect(await captions.accept()).toBe(false);
  });
});
