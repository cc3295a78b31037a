import { beforeEach, describe, expect, it } from "vitest";
import { fakePlatform, type FakePlatform } from "../fake/platform";
import { usePlatform } from "../platform";
import { OpenPhoto } from "./open_photo.svelte";
import { FIT } from "./zoom";

let fake: FakePlatform;
beforeEach(() => {
  fake = fakePlatform({ photos: 10 });
  usePlatform(fake);
});

describe("an open photo", () => {
  it("stays zoomed and explained when it is read again, and not when another is opened", async () => {
    const open = new OpenPhoto();
    await open.turnTo(5);
    open.zoomBy(2);
    await open.explain("dog");
    await open.turnTo(5);
    expect(open.pan.scale).toBe(2);
    expect(open.heat?.side).toBe(9);
    await open.turnTo(6);
    expect(open.pan).toEqual(FIT);
    expect(open.heat).toBeNull();
    expect(open.wantsFull).toBe(false);
  });

  it("shows a neighbour at once", async () => {
    const open = new OpenPhoto();
    await open.turnTo(5);
    await open.expect([4, 6]);
    const turned = open.turnTo(6);
    expect(open.detail?.id).toBe(6);
    await turned;
  });

  it("gives a neighbour a frame of its own size, and all the room to one that is not known yet", async () => {
    const open = new OpenPhoto();
    open.room = { width: 600, height: 600 };
    await open.turnTo(5);
    expect(open.frameOf(6)).toEqual({ width: 600, height: 600, known: false });
    await open.expect([5, 6]);
    expect(open.frameOf(6)).toEqual({ width: 600, height: 400, known: true });
    const calls = fake.calls.length;
    await Promise.all([open.expect([6, 7]), open.expect([7, 8])]);
    expect(fake.calls.slice(calls).map(({ request }) => request)).toEqual([{ photo: 7 }, { photo: 7 }, { photo: 8 }]);
    expect([...open.near.keys()]).toEqual([7, 8]);
    open.close();
    expect(open.near.size).toBe(0);
  });

  it("drops what comes late for a photo that is no longer open", async () => {
    const open = new OpenPhoto();
    await open.turnTo(5);
    const late = open.explain("dog");
    const turned = open.turnTo(6);
    await Promise.all([late, turned]);
    expect(open.heat).toBeNull();
    expect(open.detail?.id).toBe(6);
    expect(open.explaining).toBe(false);
  });

  it("says when a photo cannot be shown", async () => {
    fake.handlers.photo = () => Promise.reject({ code: "photo_gone", message: "it is gone" });
    const open = new OpenPhoto();
    await open.turnTo(5);
    expect(open.broken).toBe(true);
  });

  it("goes to all its pixels around a point and back", async () => {
    const open = new OpenPhoto();
    open.room = { width: 300, height: 200 };
    await open.turnTo(5);
    open.toggleZoom({ x: 10, y: 0 }, 1);
    expect(open.pan).toEqual({ scale: 4, x: -30, y: 0 });
    open.toggleZoom({ x: 10, y: 0 }, 1);
    expect(open.pan).toEqual(FIT);
  });
});
