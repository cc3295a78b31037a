import { beforeEach, describe, expect, it } from "vitest";
import { type FakePlatform, fakePlatform } from "../fake/platform";
import { usePlatform } from "../platform";
import { Tags } from "./tags.svelte";

let fake: FakePlatform;
let tags: Tags;
beforeEach(async () => {
  fake = fakePlatform({ photos: 3 });
  usePlatform(fake);
  tags = new Tags();
  await tags.turnTo(1);
});

const shown = () => tags.rows.map((row) => `${row.name}: ${row.origin}`);

describe("a tag", () => {
  it("that the model proposes is kept, taken off, and brought back", async () => {
    expect(shown()).toEqual(["dog: model", "beach: model"]);
    await tags.change("beach", "keep");
    expect(shown()).toEqual(["beach: person", "dog: model"]);
    await tags.change("dog", "remove");
    expect(shown()).toEqual(["beach: person"]);
    await tags.change("dog", "restore");
    expect(shown()).toEqual(["beach: person", "dog: model"]);
  });

  it("of one's own is what was typed, without the spaces around it, and nothing where nothing was", async () => {
    tags.draft = "  Rex ";
    await tags.add();
    expect(shown()[0]).toBe("Rex: person");
    const asked = fake.calls.length;
    tags.draft = "  ";
    await tags.add();
    expect(fake.calls.length).toBe(asked);
    expect(tags.draft).toBeNull();
  });

  it("of another photo does not show under the open one", async () => {
    let finish = () => {};
    const answer = fake.handlers.tags;
    fake.handlers.tags = async (request) => {
      if (request.photo === 2) await new Promise<void>((resolve) => (finish = resolve));
      return answer(request);
    };
    const late = tags.turnTo(2);
    await tags.turnTo(3);
    await tags.change("lake", "keep", 2);
    expect(shown()).toEqual(["dog: model", "beach: model"]);
    finish();
    await late;
    expect(tags.photo).toBe(3);
    expect(shown()).toEqual(["dog: model", "beach: model"]);
  });
});
