import { beforeEach, describe, expect, it } from "vitest";
import { fakePlatform } from "../fake/platform";
import { usePlatform } from "../platform";
import { Albums } from "./albums.svelte";

beforeEach(() => usePlatform(fakePlatform({ photos: 10 })));

describe("albums", () => {
  it("are made, filled, named and taken away", async () => {
    const albums = new Albums();
    const { id } = await albums.create("Rex", [1]);
    await albums.add(id, [2, 3]);
    await albums.takeOut(id, [1]);
    await albums.rename(id, "Dog");
    expect(albums.byId(id)).toMatchObject({ name: "Dog", photos: 2 });
    await albums.remove(id);
    expect(albums.rows).toEqual([]);
  });

  it("remember the one last added to, as long as it is there", async () => {
    const albums = new Albums();
    const rex = await albums.create("Rex", []);
    const sea = await albums.create("Sea", []);
    expect(albums.lastUsed).toBe(sea.id);
    await albums.add(rex.id, [1]);
    expect(albums.lastUsed).toBe(rex.id);
    await albums.remove(rex.id);
    expect(albums.lastUsed).toBeNull();
  });

  it("are left as they are when a name is taken", async () => {
    const albums = new Albums();
    await albums.create("Rex", []);
    await expect(albums.create("Rex", [])).rejects.toMatchObject({ code: "album_exists" });
    expect(albums.rows.length).toBe(1);
  });
});
