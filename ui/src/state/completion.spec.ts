import { describe, expect, it } from "vitest";
import type { Facets } from "../api/bindings";
import { complete, completions, unfinished } from "./completion";

const of = (...values: string[]) => values.map((value) => ({ value, photos: 1 }));
const facets: Facets = {
  cameras: of("FUJIFILM X100V", "Canon EOS 5D"),
  lenses: [],
  places: of("Lisbon, Lisbon, Portugal", "New York, United States", "Zürich, Switzerland"),
  formats: [],
  folders: of("/home/anna/Lisbon trip", "/home/anna/Photos"),
  years: [],
  keywords: of("travel", "new york"),
};
const albums = [{ id: 1, name: "Lighthouses", photos: 3, cover: null }];
const found = (text: string) => {
  const open = unfinished(text);
  return open === null ? null : completions(open, facets, albums);
};

describe("completion", () => {
  it("knows which filter is being typed", () => {
    expect(unfinished("beach in:Lis")).toEqual({ kind: "in", at: 9, value: "Lis" });
    expect(unfinished('in:"New Y')).toEqual({ kind: "in", at: 3, value: "New Y" });
    expect(unfinished("#tra")).toEqual({ kind: "keyword", at: 1, value: "tra" });
    expect(unfinished("CAMERA:x1")?.kind).toBe("camera");
    for (const text of ["", "beach", "in:Lisbon ", 'in:"New York"', "begin:x", "a#b", "beach in"]) expect(unfinished(text)).toBeNull();
  });

  it("offers places, albums and folders for in:, and cameras and keywords for theirs", () => {
    expect(found("in:li")).toEqual(["Lisbon", "Lighthouses", "Lisbon trip"]);
    expect(found("in:york")).toEqual(["New York"]);
    expect(found("in:zur")).toEqual(["Zürich"]);
    expect(found("in:Lisbon")).toEqual(["Lisbon trip"]);
    expect(found("camera:x10")).toEqual(["FUJIFILM X100V"]);
    expect(found("#t")).toEqual(["travel"]);
    expect(found("#")).toEqual(["travel", "new york"]);
    expect(found("in:nowhere")).toEqual([]);
  });

  it("puts the value in the place of what was typed, in quotes where it needs them", () => {
    const put = (text: string, value: string) => complete(text, unfinished(text) as never, value);
    expect(put("dog in:li", "Lisbon")).toBe("dog in:Lisbon ");
    expect(put('in:"New', "New York")).toBe('in:"New York" ');
    expect(put("#n", "new york")).toBe('#"new york" ');
  });
});
