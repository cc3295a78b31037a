import { describe, expect, it } from "vitest";
import { heatColour, smoothed } from "../components/heat";
import { blocks } from "../components/markdown";
import { fakePlatform, runningJob } from "../fake/platform";
import { usePlatform } from "../platform";
import { Jobs } from "./jobs.svelte";
import { compose, heavier, parse } from "./query";
import { Selection } from "./selection.svelte";
import { clamped, FIT, fitted, MOST, zoomAt } from "./zoom";

describe("a query", () => {
  it("is composed of words and weighted terms", () => {
    const terms = [
      { text: 'red "car', like: true, weight: 2 as const },
      { text: "people", like: false, weight: 1 as const },
    ];
    expect(compose(" beach ", terms)).toBe('beach 2*"red  car" -"people"');
    expect(compose("", [])).toBe("");
  });

  it("is taken apart as it was composed, whatever quotes were typed", () => {
    const terms = [
      { text: "red car", like: true, weight: 2 as const },
      { text: "people", like: false, weight: 1 as const },
      { text: "fog", like: false, weight: 3 as const },
    ];
    expect(parse(compose("beach", terms))).toEqual({ typed: "beach", terms });
    expect(parse(compose("", terms))).toEqual({ typed: "", terms });
    for (const typed of ["a dog -cat", '2.5*"red car"', 'like:"my photo.jpg"', 'half a "quote', ""]) {
      expect(parse(typed)).toEqual({ typed, terms: [] });
    }
    expect(compose("", [{ text: "\u201ea\u201c b", like: true, weight: 1 }])).toBe('"a  b"');
  });

  it("has weights that go round", () => {
    const term = { text: "x", like: true, weight: 1 as const };
    expect([heavier(term), heavier(heavier(term)), heavier(heavier(heavier(term)))].map((t) => t.weight)).toEqual([2, 3, 1]);
  });
});

describe("a selection", () => {
  const ids = [10, 11, 12, 13, 14];

  it("extends from the last photo chosen, forwards and back", () => {
    const selection = new Selection();
    selection.only(ids, 2);
    selection.extendTo(ids, 4);
    expect([...selection.photos]).toEqual([12, 13, 14]);
    selection.extendTo(ids, 1);
    expect([...selection.photos]).toEqual([11, 12]);
    selection.toggle(ids, 1);
    expect([...selection.photos]).toEqual([12]);
  });

  it("adds a range to what is selected, and chooses photos one by one", () => {
    const selection = new Selection();
    selection.only(ids, 0);
    selection.toggle(ids, 3);
    selection.addUpTo(ids, 4);
    expect([...selection.photos]).toEqual([10, 13, 14]);
    selection.choose([11, 10], true);
    selection.choose([13, 99], false);
    expect([...selection.photos]).toEqual([10, 14, 11]);
    expect(selection.cursor).toBe(4);
  });

  it("begins a range where it began, when photos have come before it", () => {
    const selection = new Selection();
    selection.only(ids, 1);
    selection.extendTo(ids, 3);
    const more = [8, 9, ...ids];
    selection.keepOnly(ids, more);
    expect(selection.cursor).toBe(5);
    selection.extendTo(more, 6);
    expect([...selection.photos]).toEqual([11, 12, 13, 14]);
  });

  it("follows its photos when the list changes", () => {
    const selection = new Selection();
    selection.toggle(ids, 1);
    selection.toggle(ids, 3);
    selection.keepOnly(ids, [9, 13, 14]);
    expect([...selection.photos]).toEqual([13]);
    expect(selection.cursor).toBe(1);
    selection.keepOnly([9, 13, 14], []);
    expect(selection.cursor).toBe(0);
  });
});

describe("jobs", () => {
  it("come, change and go, and their end is told once", async () => {
    const ended: string[] = [];
    const jobs = new Jobs((job) => ended.push(job.state));
    jobs.hear(runningJob());
    jobs.hear(runningJob({ done: 300 }));
    jobs.hear(runningJob({ id: 2, kind: "copy" }));
    expect(jobs.open.map((job) => [job.id, job.done])).toEqual([[1, 300], [2, 120]]);
    expect(jobs.indexing).toBe(true);
    usePlatform(fakePlatform({ photos: 1 }));
    await jobs.control(1, "pause");
    expect(jobs.indexing).toBe(false);
    jobs.hear(runningJob({ state: "done" }));
    expect(jobs.open.length).toBe(1);
    expect(ended).toEqual(["done"]);
  });
});

describe("a job that is over", () => {
  it("is not brought back by a reply that comes late", () => {
    const jobs = new Jobs();
    jobs.hear(runningJob({ state: "done" }));
    jobs.hear(runningJob({ state: "queued" }));
    jobs.set([runningJob({ state: "running" })]);
    expect(jobs.open).toEqual([]);
  });
});

describe("zoom", () => {
  const view = { width: 800, height: 600 };

  it("fits large photos and does not enlarge small ones", () => {
    expect(fitted({ width: 1600, height: 600 }, view)).toEqual({ width: 800, height: 300 });
    expect(fitted({ width: 100, height: 50 }, view)).toEqual({ width: 100, height: 50 });
    expect(fitted({ width: 0, height: 0 }, view)).toEqual({ width: 0, height: 0 });
  });

  it("keeps the point under the pointer, within its bounds", () => {
    const pan = zoomAt(FIT, 2, { x: 100, y: 50 });
    expect(pan).toEqual({ scale: 2, x: -100, y: -50 });
    expect(zoomAt(pan, 100, { x: 0, y: 0 }).scale).toBe(MOST);
    expect(zoomAt(pan, 0.01, { x: 0, y: 0 }).scale).toBe(1);
    expect(clamped({ scale: 2, x: -1000, y: 900 }, { width: 800, height: 300 }, view)).toEqual({ scale: 2, x: -400, y: 0 });
  });
});

describe("a heat map", () => {
  it("is clear where there is least and bright where there is most", () => {
    expect(heatColour(0)[3]).toBe(0);
    expect(heatColour(-1)).toEqual(heatColour(0));
    expect(heatColour(2)).toEqual(heatColour(1));
    expect(heatColour(1)[0]).toBeGreaterThan(heatColour(0.3)[0]);
  });

  it("is smooth between its squares and true in their middles", () => {
    const values = [0, 0, 0, 0, 1, 0, 0, 0.5, 0];
    const fine = smoothed(3, values, 9);
    // The middle of a square is its second pixel of three.
    values.forEach((value, square) => {
      expect(fine[(Math.floor(square / 3) * 3 + 1) * 9 + (square % 3) * 3 + 1]).toBeCloseTo(value);
    });
    expect(Math.max(...fine)).toBeLessThanOrEqual(1);
    expect(Math.min(...fine)).toBeGreaterThanOrEqual(0);
    expect([...smoothed(2, [0.3, 0.3, 0.3, 0.3], 5)].every((value) => Math.abs(value - 0.3) < 1e-6)).toBe(true);
  });
});

describe("a model card", () => {
  it("is split into headings, paragraphs, lists and tables without their marks", () => {
    const text = "# One\nIntro of **bold**\ntext\n\n| a | b |\n|---|---|\n| 1 | `2` |\n\n- x\n  more\n- [y](z)\n";
    expect(blocks(text)).toEqual([
      { kind: "heading", level: 1, text: "One" },
      { kind: "paragraph", text: "Intro of bold text" },
      { kind: "table", head: ["a", "b"], rows: [["1", "2"]] },
      { kind: "list", items: ["x more", "y"] },
    ]);
  });
});
