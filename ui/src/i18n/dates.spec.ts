import { beforeEach, describe, expect, it } from "vitest";
import { photoDate, setLanguage, stars } from "./index.svelte";

beforeEach(() => setLanguage("en"));

describe("a photo's date", () => {
  it("is told as far as it is known", () => {
    expect(photoDate("2021-06-30T12:05:00+02:00")).toContain("12:05");
    expect(photoDate("2021-06-30T12:05:00.25+02:00")).toBe(photoDate("2021-06-30T12:05:00"));
    expect(photoDate("2021-06-30")).toBe("June 30, 2021");
    expect(photoDate("2021-06")).toBe("June 2021");
    expect(photoDate("1932")).toBe("1932");
    expect(photoDate("soon")).toBe("soon");
  });
});

describe("stars", () => {
  it("are five, full or empty", () => {
    expect([0, 3, 5].map(stars)).toEqual(["☆☆☆☆☆", "★★★☆☆", "★★★★★"]);
  });
});
