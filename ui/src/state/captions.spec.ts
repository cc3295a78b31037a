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
  it("is shown when the model has written it", async () => {
    const describe = fake.handlers.describe;
    fake.handlers.describe = async (request) => {
      expect([captions.text, captions.writing]).toEqual(["", true]);
      return describe(request);
    };
    expect(await captions.describe()).toBe(false);
    expect(captions.text).toBe("A dog runs.");
    expect(captions.detail?.uncertain).toEqual(["runs."]);
    expect(captions.writing).toBe(false);
  });

  it("of which the model is not sure is a guess that is shown only to who wants it, and can be taken", async () => {
    await captions.turnTo(3);
    await captions.describe();
    expect([captions.text, captions.guess]).toEqual(["", null]);
    expect(captions.detail?.unsure?.tags).toEqual(["dog", "beach"]);
    expect(await captions.accept()).toBe(false);
    expect(captions.guess).toBe("A dog sits on the floor.");
    expect(await captions.accept()).toBe(false);
    await captions.turnTo(2);
    await captions.turnTo(3);
    expect(captions.guess).toBeNull();
    expect(await captions.acceptGuess()).toBe(false);
    captions.guessOpen = true;
    expect(await captions.acceptGuess()).toBe(true);
    expect(captions.text).toBe("A dog sits on the floor.");
    expect(captions.detail?.current?.author).toBe("person");
    expect(await captions.describe()).toBe(true);
    expect(captions.text).toBe("A dog sits on the floor.");
    expect(captions.detail?.current?.author).toBe("person");
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
    expect(captions.writing).toBe(false);
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
