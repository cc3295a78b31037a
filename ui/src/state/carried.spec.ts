import { describe, expect, it } from "vitest";
import { Carried } from "./carried.svelte";

const album = (x: number) => (x > 100 ? 7 : null);

describe("photos carried with the pointer", () => {
  it("begin to move only when the pointer does, and go to the album below it", () => {
    const carried = new Carried();
    carried.press(200, 50, () => [1, 2]);
    carried.move(203, 52, album);
    expect(carried.photos).toEqual([]);
    expect(carried.moved).toBe(false);
    carried.move(150, 50, album);
    expect(carried.photos).toEqual([1, 2]);
    expect(carried.album).toBe(7);
    expect(carried.drop()).toEqual({ album: 7, photos: [1, 2] });
    expect(carried.photos).toEqual([]);
    expect(carried.moved).toBe(true);
    carried.press(200, 50, () => [1, 2]);
    expect(carried.moved).toBe(false);
  });

  it("go nowhere beside an album, after a mere press, or when it is called off", () => {
    const carried = new Carried();
    carried.press(0, 0, () => [1]);
    expect(carried.drop()).toBeNull();
    carried.press(0, 0, () => [1]);
    carried.move(50, 0, album);
    expect(carried.drop()).toBeNull();
    carried.press(0, 0, () => [1]);
    carried.move(150, 0, album);
    carried.cancel();
    carried.move(160, 0, album);
    expect(carried.drop()).toBeNull();
  });
});
