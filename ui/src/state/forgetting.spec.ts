import { beforeEach, describe, expect, it } from "vitest";
import { fakePlatform, type FakePlatform } from "../fake/platform";
import { usePlatform } from "../platform";
import { AppState } from "./app.svelte";
import { Forgetting } from "./forgetting.svelte";

let fake: FakePlatform;

beforeEach(() => {
  fake = fakePlatform({ photos: 20 });
  usePlatform(fake);
});

const forgets = () => fake.calls.filter(({ name }) => name === "forget");

describe("forgetting", () => {
  it("asks with what it comes to, and does nothing before the answer", async () => {
    const forgetting = new Forgetting();
    await forgetting.ask({ kind: "photos", photos: [3, 4] });
    expect(forgetting.subject).toEqual({ kind: "photos", photos: [3, 4] });
    expect(forgetting.plan).toMatchObject({ photos: 2, keeps_out: true, versions: ["v1"], copies: ["catalogue.sqlite.v9"] });
    forgetting.close();
    expect(await forgetting.confirm()).toBeNull();
    expect(forgets()).toEqual([]);
  });

  it("names photos and folders by number", async () => {
    const forgetting = new Forgetting();
    await forgetting.ask({ kind: "folder", folder: { id: 1, path: "/home/anna/Photos", photos: 20, missing: false } });
    expect((await forgetting.confirm())?.kind).toBe("forget");
    await forgetting.ask({ kind: "photos", photos: [3] });
    await forgetting.confirm();
    expect(forgets().map(({ request }) => request)).toEqual([
      { photos: [], folder: 1, missing: false, searches: false },
      { photos: [3], folder: null, missing: false, searches: false },
    ]);
    expect(forgetting.subject).toBeNull();
  });

  it("drops a late answer to a question that was left", async () => {
    const forgetting = new Forgetting();
    const late = forgetting.ask({ kind: "photos", photos: [3] });
    forgetting.close();
    await late;
    expect(forgetting.subject).toBeNull();
  });

  it("of searches leaves none that the page would have kept again", async () => {
    const app = new AppState();
    await app.preferences.load();
    await app.preferences.remember("a dog");
    await app.forgetting.ask({ kind: "searches" });
    await app.forget();
    expect(app.preferences.recent).toEqual([]);
    await app.preferences.setTheme("dark");
    expect(fake.calls.at(-1)?.request).toMatchObject({ recent_searches: [] });
  });

  it("shows what is kept out, and lets it in again", async () => {
    const app = new AppState();
    await app.forgetting.ask({ kind: "photos", photos: [3] });
    await app.forget();
    await app.forgetting.look();
    expect(app.forgetting.privacy).toEqual({ missing: 3, photos_out: 1, folders_out: 0 });
    await app.forgetting.letIn();
    expect(app.forgetting.privacy?.photos_out).toBe(0);
  });
});
