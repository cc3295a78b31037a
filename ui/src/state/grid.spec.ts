import { describe, expect, it } from "vitest";
import { layOut, photoAt, rowsAway, topOf, visible, touched } from "./grid";

const metrics = { width: 1000, cell: 100, gap: 4, heading: 40 };

describe("the grid's geometry", () => {
  it("keeps few rows of 200,000 photos", () => {
    const layout = layOut([{ title: null, count: 200_000 }], metrics);
    expect(layout.columns).toBe(9);
    expect(layout.columns * layout.side + 8 * 4).toBeCloseTo(1000);
    for (const top of [0, layout.height / 2, layout.height - 800]) {
      const rows = visible(layout, top, top + 800, 600);
      expect(rows.length).toBeLessThan(22);
      const covered = rows.map((row) => row.top);
      expect(Math.min(...covered)).toBeLessThanOrEqual(Math.max(0, top));
      expect(Math.max(...covered) + layout.pitch).toBeGreaterThanOrEqual(Math.min(top + 800, layout.height));
    }
    expect(layout.height).toBeLessThan(16_000_000);
  });

  it("puts every photo into exactly one row", () => {
    const layout = layOut([{ title: "a", count: 20 }, { title: "b", count: 0 }, { title: "c", count: 7 }], metrics);
    const rows = visible(layout, 0, layout.height, 0).flatMap((item) => (item.kind === "row" ? [item] : []));
    expect(rows.flatMap((row) => Array.from({ length: row.count }, (_, i) => row.first + i))).toEqual(
      Array.from({ length: 27 }, (_, i) => i),
    );
    expect(layout.sections.map((section) => section.title)).toEqual(["a", "c"]);
  });

  it("goes up and down in a column, also over headings and short rows", () => {
    const layout = layOut([{ title: "a", count: 20 }, { title: "b", count: 7 }], metrics);
    expect(rowsAway(layout, 3, 1)).toBe(12);
    expect(rowsAway(layout, 17, 1)).toBe(19);
    expect(rowsAway(layout, 18, 1)).toBe(20);
    expect(rowsAway(layout, 26, -1)).toBe(19);
    expect(rowsAway(layout, 3, -5)).toBe(3);
    expect(rowsAway(layout, 3, 50)).toBe(26);
    expect(topOf(layout, 20)).toBe(40 + 3 * layout.pitch + 40);
  });

  it("stays within what a page can be high, however large the cells", () => {
    for (const width of [320, 720, 1600]) {
      const layout = layOut([{ title: null, count: 200_000 }], { ...metrics, width, cell: 320 });
      expect(layout.height).toBeLessThan(2 ** 25);
    }
    expect(layOut([{ title: null, count: 20_000 }], { ...metrics, width: 720, cell: 320 }).columns).toBe(2);
  });

  it("tells which photo is at a height", () => {
    const layout = layOut([{ title: "a", count: 20 }, { title: "b", count: 7 }], metrics);
    for (const index of [0, 9, 18, 20]) {
      expect(photoAt(layout, topOf(layout, index))).toBe(index);
      expect(photoAt(layout, topOf(layout, index) + layout.pitch - 2)).toBe(index);
    }
    expect(photoAt(layout, -10)).toBe(0);
    expect(photoAt(layout, 1e9)).toBe(20);
    expect(photoAt(layOut([], metrics), 0)).toBe(0);
  });

  it("has at least one column", () => {
    expect(layOut([{ title: null, count: 3 }], { ...metrics, width: 20 }).columns).toBe(1);
  });
});

describe("a rubber band", () => {
  const layout = layOut([{ title: "Strong", count: 7 }, { title: "Possible", count: 3 }], { width: 316, cell: 100, gap: 8, heading: 40 });
  const band = (left: number, top: number, right: number, bottom: number) => touched(layout, { left, top, right, bottom });

  it("takes the photos that it touches and no others", () => {
    expect(layout.columns).toBe(3);
    expect(band(0, 0, 316, 39)).toEqual([]);
    expect(band(0, 0, 1, 41)).toEqual([0]);
    expect(band(101, 45, 107, 300)).toEqual([]);
    expect(band(50, 45, 150, 45)).toEqual([0, 1]);
    expect(band(0, 0, 316, 1e6)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(band(250, 0, 900, 1e6)).toEqual([2, 5, 9]);
    expect(band(-50, -50, -1, 1e6)).toEqual([]);
  });
});
