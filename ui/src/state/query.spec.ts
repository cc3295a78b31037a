import { describe, expect, it } from "vitest";
import { compose, parse } from "./query";

describe("the query", () => {
  it("is put together and taken apart again", () => {
    const terms = [
      { text: "red car", like: true, weight: 2 as const },
      { text: "people", like: false, weight: 1 as const },
    ];
    expect(compose(" beach ", terms)).toBe('beach 2*"red car" -"people"');
    expect(parse('beach 2*"red car" -"people"')).toEqual({ typed: "beach", terms });
  });

  it("closes a quote before the terms, so that an exclusion stays one", () => {
    const snow = [{ text: "snow", like: false, weight: 1 as const }];
    expect(compose('"red ca', snow)).toBe('"red ca" -"snow"');
    expect(compose('"red car"', snow)).toBe('"red car" -"snow"');
    expect(compose('"red ca', [])).toBe('"red ca');
    expect(compose("-", snow)).toBe('-"snow"');
  });

  it("is empty until something is said", () => {
    for (const typed of ["", "  ", "-", "+", '"', '""', "- +"]) expect(compose(typed, [])).toBe("");
    for (const typed of ["-a", "*", "...", "🐶"]) expect(compose(typed, [])).toBe(typed);
  });
});
