/**
 * Geometry of the grid of photos: sections of square cells below headings.
 *
 * Nothing here is proportional to the number of photos: a position is computed, not looked up.
 */
export interface GridMetrics {
  width: number;
  /** The cell's wanted side; cells are stretched to fill the width. */
  cell: number;
  gap: number;
  heading: number;
}

export interface GridSection {
  title: string | null;
  count: number;
}

interface PlacedSection extends GridSection {
  /** Index of its first photo among all. */
  first: number;
  top: number;
  rowsTop: number;
  rows: number;
}

export interface GridLayout {
  columns: number;
  /** Side of a cell and distance from one row to the next, in pixels. */
  side: number;
  pitch: number;
  height: number;
  count: number;
  sections: PlacedSection[];
}

export interface GridRow {
  kind: "row";
  top: number;
  first: number;
  count: number;
}

export interface GridHeading {
  kind: "heading";
  top: number;
  title: string;
  count: number;
}

/** WebKit and Chromium end every element at 2^25 pixels; photos below could not be reached. */
const MOST_HEIGHT = 30_000_000;

/** Cells get smaller than wanted only where the list would be taller than a page can be. */
export function layOut(sections: GridSection[], metrics: GridMetrics): GridLayout {
  let columns = Math.max(1, Math.floor((metrics.width + metrics.gap) / (metrics.cell + metrics.gap)));
  for (;;) {
    const layout = inColumns(columns, sections, metrics);
    if (layout.height <= MOST_HEIGHT || layout.side <= 1) return layout;
    columns += 1;
  }
}

function inColumns(columns: number, sections: GridSection[], { width, gap, heading }: GridMetrics): GridLayout {
  const side = Math.max(1, (width - gap * (columns - 1)) / columns);
  const pitch = side + gap;
  let top = 0;
  let first = 0;
  const placed = sections
    .filter((section) => section.count > 0)
    .map((section) => {
      const rowsTop = top + (section.title === null ? 0 : heading);
      const rows = Math.ceil(section.count / columns);
      const result = { ...section, first, top, rowsTop, rows };
      top = rowsTop + rows * pitch;
      first += section.count;
      return result;
    });
  return { columns, side, pitch, height: top, count: first, sections: placed };
}

/** The rows and headings between two heights, and some beyond them. */
export function visible(layout: GridLayout, from: number, to: number, beyond: number): (GridRow | GridHeading)[] {
  const [start, end] = [from - beyond, to + beyond];
  const shown: (GridRow | GridHeading)[] = [];
  for (const section of layout.sections) {
    const bottom = section.rowsTop + section.rows * layout.pitch;
    if (bottom < start || section.top > end) continue;
    if (section.title !== null && section.rowsTop >= start) {
      shown.push({ kind: "heading", top: section.top, title: section.title, count: section.count });
    }
    const firstRow = Math.max(0, Math.floor((start - section.rowsTop) / layout.pitch));
    const lastRow = Math.min(section.rows - 1, Math.floor((end - section.rowsTop) / layout.pitch));
    for (let row = firstRow; row <= lastRow; row += 1) {
      const offset = row * layout.columns;
      const count = Math.min(layout.columns, section.count - offset);
      shown.push({ kind: "row", top: section.rowsTop + row * layout.pitch, first: section.first + offset, count });
    }
  }
  return shown;
}

function sectionOf(layout: GridLayout, index: number): PlacedSection | undefined {
  return layout.sections.find((section) => index < section.first + section.count);
}

/** Top of the row that holds a photo. */
export function topOf(layout: GridLayout, index: number): number {
  const section = sectionOf(layout, index);
  if (section === undefined) return 0;
  return section.rowsTop + Math.floor((index - section.first) / layout.columns) * layout.pitch;
}

/** Share of a row by which a height may be off: browsers round where they scroll to. */
const NEARLY = 0.01;

/** The first photo of the row at a height. */
export function photoAt(layout: GridLayout, y: number): number {
  const section = layout.sections.find(({ rowsTop, rows }) => y < rowsTop + rows * layout.pitch) ?? layout.sections.at(-1);
  if (section === undefined) return 0;
  const row = Math.min(section.rows - 1, Math.max(0, Math.floor((y - section.rowsTop) / layout.pitch + NEARLY)));
  return section.first + row * layout.columns;
}

/** The photo some rows further down (or up), in the same column or the last of a shorter row. */
export function rowsAway(layout: GridLayout, index: number, rows: number): number {
  const section = sectionOf(layout, index);
  if (section === undefined) return 0;
  const column = (index - section.first) % layout.columns;
  let at = layout.sections.indexOf(section);
  let row = Math.floor((index - section.first) / layout.columns) + rows;
  for (;;) {
    const here = layout.sections[at];
    if (here === undefined) return index;
    if (row < 0) {
      const above = layout.sections[at - 1];
      if (above === undefined) return here.first + Math.min(column, here.count - 1);
      row += above.rows;
      at -= 1;
    } else if (row >= here.rows) {
      if (layout.sections[at + 1] === undefined) return here.first + here.count - 1;
      row -= here.rows;
      at += 1;
    } else {
      return here.first + Math.min(row * layout.columns + column, here.count - 1);
    }
  }
}

/** Two corners of a rectangle, in the layout's pixels. */
export interface Band {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The photos that a rectangle touches, from the first to the last. */
export function touched(layout: GridLayout, band: Band): number[] {
  const { columns, side, pitch } = layout;
  const from = Math.max(0, Math.ceil((band.left - side) / pitch));
  const to = Math.min(columns - 1, Math.floor(band.right / pitch));
  const photos: number[] = [];
  for (const { rowsTop, rows, first, count } of layout.sections) {
    const firstRow = Math.max(0, Math.ceil((band.top - rowsTop - side) / pitch));
    const lastRow = Math.min(rows - 1, Math.floor((band.bottom - rowsTop) / pitch));
    for (let row = firstRow; row <= lastRow; row += 1) {
      for (let column = from; column <= to; column += 1) {
        const index = row * columns + column;
        if (index < count) photos.push(first + index);
      }
    }
  }
  return photos;
}
