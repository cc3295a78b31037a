import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { again } from "./thumbnail";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a thumbnail that did not come", () => {
  const picture = (src: string) => {
    const picture = document.createElement("img");
    picture.src = src;
    document.body.append(picture);
    return picture;
  };

  it("is asked for again, later and later, and not for ever", () => {
    const shown = picture("sightline://localhost/thumb/17");
    const asked: string[] = [];
    for (let tries = 0; tries < 8; tries += 1) {
      again(shown);
      vi.advanceTimersByTime(20_000);
      asked.push(shown.src);
    }
    expect(asked[0]).toBe("sightline://localhost/thumb/17?again=1");
    expect(asked.at(-1)).toBe("sightline://localhost/thumb/17?again=6");
  });

  it("is left alone when another photo has taken its place", () => {
    const shown = picture("sightline://localhost/thumb/17");
    again(shown);
    shown.src = "sightline://localhost/thumb/18";
    vi.advanceTimersByTime(1000);
    expect(shown.src).toBe("sightline://localhost/thumb/18");
  });
});
