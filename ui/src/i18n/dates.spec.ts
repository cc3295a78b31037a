import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { photoDate, setLanguage, stars, systemLocale } from "./index.svelte";

beforeEach(() => setLanguage("en"));
afterEach(() => vi.restoreAllMocks());

/** What the system says of the person's languages. */
const speaks = (...languages: string[]) => vi.spyOn(navigator, "languages", "get").mockReturnValue(languages);

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

describe("the system's locale", () => {
  it("is followed by dates in the window's language", () => {
    speaks("en-GB");
    expect(photoDate("2021-06-30")).toBe("30 June 2021");
    speaks("de-DE");
    expect(photoDate("2021-06-30")).toBe("30 June 2021");
    setLanguage("zh");
    expect(photoDate("2021-06-30")).toBe("2021年6月30日");
  });

  it("is that of the window where the system has none", () => {
    for (const none of [["C"], ["POSIX"], ["", "not a locale"], []]) {
      speaks(...none);
      expect(systemLocale()).toBe("en");
      expect(photoDate("2021-06-30")).toBe("June 30, 2021");
    }
    setLanguage("zh");
    expect(systemLocale()).toBe("zh");
    speaks("C", "de-DE");
    expect(systemLocale()).toBe("de-DE");
  });
});

describe("stars", () => {
  it("are five, full or empty", () => {
    expect([0, 3, 5].map(stars)).toEqual(["☆☆☆☆☆", "★★★☆☆", "★★★★★"]);
  });
});
