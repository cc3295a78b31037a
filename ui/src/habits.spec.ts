/** What hands do in every program, and what they expect of it. */
import { cleanup, configure, fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import App from "./App.svelte";
import { fakePlatform, type FakePlatform, runningJob } from "./fake/platform";
import { usePlatform } from "./platform";

// On a machine that is busy the window takes its time.
configure({ asyncUtilTimeout: 10_000 });

let fake: FakePlatform;

async function open(photos: number): Promise<void> {
  fake = fakePlatform({ photos });
  usePlatform(fake);
  render(App);
  if (photos > 0) await screen.findAllByTestId("photo-cell");
}

/** jsdom lays nothing out: contrast is measured in the real window. */
async function violations(): Promise<string[]> {
  const found = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
  return found.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => `${v.id}: ${v.help}`);
}

const cells = () => screen.getAllByTestId("photo-cell");
const cell = (index: number) => cells()[index] as HTMLElement;
const selected = () => cells().flatMap((cell, index) => (cell.getAttribute("aria-selected") === "true" ? [index] : []));

/** A press of the mouse as browsers tell of it: it gives the focus before it is a click. */
async function press(on: HTMLElement, keys: { shiftKey?: boolean; ctrlKey?: boolean } = {}): Promise<void> {
  await fireEvent.pointerDown(on, { button: 0, ...keys });
  await fireEvent.mouseDown(on, { button: 0, ...keys });
  on.focus();
  await fireEvent.pointerUp(on, { button: 0, ...keys });
  await fireEvent.mouseUp(on, { button: 0, ...keys });
  await fireEvent.click(on, keys);
}

class NoResizes implements ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
beforeEach(() => {
  globalThis.ResizeObserver = NoResizes;
  Object.defineProperty(HTMLElement.prototype, "clientWidth", { configurable: true, get: () => 1000 });
  Object.defineProperty(HTMLElement.prototype, "clientHeight", { configurable: true, get: () => 600 });
});
afterEach(cleanup);

describe("the mouse in the grid", () => {
  it("selects a range with shift, forwards and back, and adds to it with control", async () => {
    await open(500);
    await press(cell(2), { ctrlKey: true });
    expect(selected()).toEqual([2]);
    await press(cell(6), { shiftKey: true });
    expect(selected()).toEqual([2, 3, 4, 5, 6]);
    await press(cell(0), { shiftKey: true });
    expect(selected()).toEqual([0, 1, 2]);
    await press(cell(8), { ctrlKey: true });
    await press(cell(10), { ctrlKey: true, shiftKey: true });
    expect(selected()).toEqual([0, 1, 2, 8, 9, 10]);
    await press(cell(9), { ctrlKey: true });
    expect(selected()).toEqual([0, 1, 2, 8, 10]);
    await fireEvent.keyDown(cell(9), { key: "ArrowRight", shiftKey: true });
    expect(selected()).toEqual([9, 10]);
  });

  it("keeps the beginning of a range while photos arrive", async () => {
    await open(500);
    await press(cell(3), { ctrlKey: true });
    await press(cell(5), { shiftKey: true });
    const { photos } = fake.handlers;
    fake.handlers.photos = async (request) => ({ ids: [9001, ...(await photos(request)).ids] });
    fake.emit("library_changed", null);
    await waitFor(() => expect(screen.getByTestId("summary").textContent).toBe("501 photos"));
    await press(cell(8), { shiftKey: true });
    expect(selected()).toEqual([4, 5, 6, 7, 8]);
  });

  it("leaves the keyboard on the photo in the place of one that is taken out of its album", async () => {
    await open(500);
    await fake.call("create_album", { name: "Rex", photos: [500, 499, 498] });
    fake.emit("library_changed", null);
    await fireEvent.click(await screen.findByTestId("album"));
    await waitFor(() => expect(cells().length).toBe(3));
    cell(1).focus();
    await fireEvent.keyDown(cell(1), { key: "Delete" });
    await waitFor(() => expect(cells().length).toBe(2));
    await waitFor(() => expect(document.activeElement).toBe(cell(1)));
  });
});

describe("the menu of a photo", () => {
  const names = () => screen.getAllByRole("menuitem").map((entry) => entry.querySelector(".name")?.textContent ?? entry.textContent.trim());
  const entry = (name: string) => screen.getAllByRole("menuitem").find((entry) => entry.textContent.includes(name)) as HTMLElement;

  it("takes the place of the webview's, but not where one types", async () => {
    await open(500);
    expect(await fireEvent.contextMenu(screen.getByTestId("search-input"))).toBe(true);
    for (const element of [document.body, screen.getByTestId("sidebar"), cell(0), screen.getByTestId("summary")]) {
      expect(await fireEvent.contextMenu(element)).toBe(false);
    }
  });

  it("is about the photo under the pointer, or about all that are selected", async () => {
    await open(500);
    await fireEvent.contextMenu(cell(4), { clientX: 300, clientY: 200 });
    expect(names()).toEqual(["Open the photo", "Find similar photos", "Add to album…", "Copy", "Show in folder", "Copy path", "Copy caption as alt text", "Select", "Move to trash", "Forget now…"]);
    expect(await violations()).toEqual([]);
    expect(entry("alt text").getAttribute("aria-disabled")).toBe("true");
    await fireEvent.click(entry("Select"));
    expect(screen.queryByTestId("photo-menu")).toBeNull();
    expect(selected()).toEqual([4]);
    await press(cell(6), { ctrlKey: true });
    await fireEvent.contextMenu(cell(6));
    expect(names()).toEqual(["Open the photo", "Add to album…", "Copy", "Deselect", "Move to trash", "Forget now…"]);
    await fireEvent.keyDown(screen.getByTestId("photo-menu"), { key: "Escape" });
    expect(document.activeElement).toBe(cell(6));
    expect(selected()).toEqual([4, 6]);
    await fireEvent.contextMenu(cell(8));
    expect(names()).toContain("Select");
    expect(selected()).toEqual([4, 6]);
    await fireEvent.mouseDown(screen.getByTestId("sidebar"));
    expect(screen.queryByTestId("photo-menu")).toBeNull();
  });

  it("opens and works with keys alone", async () => {
    await open(500);
    await fake.call("create_album", { name: "Rex", photos: [] });
    fake.emit("library_changed", null);
    await screen.findByTestId("album");
    cell(2).focus();
    await fireEvent.keyDown(cell(2), { key: "F10", shiftKey: true });
    await waitFor(() => expect(document.activeElement?.textContent).toContain("Open the photo"));
    const menu = screen.getByTestId("photo-menu");
    await fireEvent.keyDown(menu, { key: "a" });
    expect(document.activeElement?.textContent).toContain("Add to album…");
    await fireEvent.keyDown(menu, { key: "ArrowRight" });
    await waitFor(() => expect(document.activeElement?.textContent).toContain("Back"));
    expect(await violations()).toEqual([]);
    await fireEvent.keyDown(menu, { key: "ArrowLeft" });
    await waitFor(() => expect(document.activeElement?.textContent).toContain("Add to album…"));
    await fireEvent.keyDown(menu, { key: "ArrowRight" });
    await waitFor(() => expect(names()).toContain("Rex"));
    await fireEvent.click(entry("Rex"));
    await waitFor(() => expect(screen.getByTestId("album").textContent).toMatch(/Rex\s*1/));
    expect(document.activeElement).toBe(cell(2));
    await fireEvent.keyDown(cell(2), { key: "ContextMenu" });
    await screen.findByTestId("photo-menu");
    await fireEvent.click(entry("Open"));
    expect((await screen.findByTestId("lightbox")).dataset["photo"]).toBe(cell(2).dataset["photo"]);
  });

  it("copies the caption in the viewer", async () => {
    await open(500);
    await fake.call("describe", { photo: 499 });
    await fireEvent.click(cell(1));
    const viewer = await screen.findByTestId("lightbox");
    await fireEvent.contextMenu(viewer.querySelector("img") as HTMLElement, { clientX: 10, clientY: 10 });
    await waitFor(() => expect(entry("alt text").getAttribute("aria-disabled")).toBe("false"));
    expect(names()).toEqual(["Find similar photos", "Add to album…", "Copy", "Show in folder", "Copy path", "Copy caption as alt text", "Move to trash", "Forget now…"]);
    expect(await violations()).toEqual([]);
    await fireEvent.click(entry("alt text"));
    await waitFor(() => expect(fake.copied).toEqual(["A dog runs."]));
    expect(document.activeElement).toBe(viewer);
  });
});

describe("a review of captions", () => {
  const viewer = () => screen.getByTestId("lightbox");

  it("goes from one caption to the next, and ends when nothing is left", async () => {
    await open(50);
    for (const photo of [11, 12, 14]) await fake.call("describe", { photo });
    await fireEvent.click(screen.getByTestId("review"));
    await waitFor(() => expect(cells().length).toBe(3));
    await fireEvent.click(cell(0));
    expect((await screen.findByTestId("lightbox")).dataset["photo"]).toBe("14");
    await screen.findByTestId("caption-accept");
    await fireEvent.keyDown(viewer(), { key: "a" });
    await fireEvent.keyDown(viewer(), { key: "a" });
    await waitFor(() => expect(viewer().dataset["photo"]).toBe("12"));
    await screen.findByTestId("caption-accept");
    await fireEvent.keyDown(viewer(), { key: "Escape" });
    await waitFor(() => expect(screen.queryByTestId("lightbox")).toBeNull());
    expect(screen.getByTestId("review").getAttribute("aria-current")).toBe("true");
    await waitFor(() => expect(cells().length).toBe(2));
    for (let times = 0; times < 3; times += 1) await fireEvent.keyDown(cell(0), { key: "Escape" });
    expect(screen.getByTestId("review").getAttribute("aria-current")).toBe("true");
    await fireEvent.click(cell(1));
    await screen.findByTestId("caption-edit");
    await fireEvent.keyDown(viewer(), { key: "e" });
    const field = await screen.findByTestId("caption-field");
    await fireEvent.input(field, { target: { value: "A cat sleeps." } });
    await fireEvent.keyDown(field, { key: "Enter" });
    // The last one is answered: the one before is left.
    await waitFor(() => expect(viewer().dataset["photo"]).toBe("12"));
    await screen.findByTestId("caption-accept");
    await fireEvent.keyDown(viewer(), { key: "a" });
    await waitFor(() => expect(screen.queryByTestId("lightbox")).toBeNull());
    expect((await screen.findByTestId("empty")).textContent).toContain("No caption waits for review");
    const written = fake.calls.filter(({ name }) => name === "write_caption").map(({ request }) => (request as { photo: number }).photo);
    expect(written).toEqual([14, 11, 12]);
  });
});

describe("the date filter", () => {
  const filters = () => (fake.calls.filter(({ name }) => name === "photos").at(-1)?.request as { filters: Record<string, string> }).filters;

  it("takes what is typed and says how it is understood", async () => {
    await open(50);
    await fireEvent.click(screen.getByTestId("filters"));
    const from = await screen.findByTestId("date-first");
    await fireEvent.input(from, { target: { value: "06012015" } });
    expect(screen.getByTestId("date-first-says").textContent).toContain("from June 1, 2015");
    await waitFor(() => expect(filters()).toMatchObject({ after: "2015-06-01", before: null }));
    const until = screen.getByTestId("date-last");
    await fireEvent.input(until, { target: { value: "2015" } });
    await fireEvent.keyDown(until, { key: "Enter" });
    await waitFor(() => expect(filters()).toMatchObject({ after: "2015-06-01", before: "2016-01-01" }));
    // Typed over what is there, key by key: nothing is put in between.
    for (const value of ["n", "no", "nonsense"]) {
      await fireEvent.input(until, { target: { value } });
      expect((until as HTMLInputElement).value).toBe(value);
    }
    expect(until.getAttribute("aria-invalid")).toBe("false");
    await fireEvent.keyDown(until, { key: "Enter" });
    expect(until.getAttribute("aria-invalid")).toBe("true");
    expect(screen.getByTestId("date-last-says").textContent).toContain("such as 2015, 06/2015, 06/21/2015");
    expect(await violations()).toEqual([]);
    await fireEvent.input(until, { target: { value: "1999" } });
    await fireEvent.keyDown(until, { key: "Enter" });
    await waitFor(() => expect(screen.getByTestId("date-last-says").textContent).toContain("before “From”"));
    await fireEvent.input(until, { target: { value: "" } });
    await fireEvent.keyDown(until, { key: "Enter" });
    await waitFor(() => expect(filters()).toMatchObject({ after: "2015-06-01", before: null }));
  });

  it("offers the years of the library, and keeps what was typed when the panel closes", async () => {
    await open(50);
    await fireEvent.click(screen.getByTestId("filters"));
    const year = await screen.findByRole("button", { name: "2015" });
    await fireEvent.click(year);
    await waitFor(() => expect(filters()).toMatchObject({ after: "2015-01-01", before: "2016-01-01" }));
    expect(year.getAttribute("aria-pressed")).toBe("true");
    expect((screen.getByTestId("date-first") as HTMLInputElement).value).toBe("2015");
    await fireEvent.click(year);
    await waitFor(() => expect(filters()).toMatchObject({ after: null, before: null }));
    expect((screen.getByTestId("date-first") as HTMLInputElement).value).toBe("");
    await fireEvent.input(screen.getByTestId("date-first"), { target: { value: "2019-03" } });
    await fireEvent.pointerDown(document.body);
    await waitFor(() => expect(filters()).toMatchObject({ after: "2019-03-01", before: null }));
  });

  it("reads dates in the order of the person's own locale", async () => {
    vi.spyOn(navigator, "languages", "get").mockReturnValue(["de-DE"]);
    await open(50);
    await fireEvent.click(screen.getByTestId("filters"));
    await fireEvent.input(await screen.findByTestId("date-first"), { target: { value: "6.1.2015" } });
    expect(screen.getByTestId("date-first-says").textContent).toContain("6 January 2015");
    vi.restoreAllMocks();
  });
});

describe("a choice of the window's own", () => {
  it("is made with keys, and closes without one", async () => {
    await open(50);
    const sort = screen.getByTestId("sort");
    sort.focus();
    await fireEvent.keyDown(sort, { key: "ArrowDown" });
    const list = await screen.findByRole("listbox", { name: "Sort" });
    expect(list.textContent).toContain("Oldest first");
    expect(await violations()).toEqual([]);
    await fireEvent.keyDown(sort, { key: "o" });
    await waitFor(() => expect(document.getElementById(sort.getAttribute("aria-activedescendant") ?? "")?.textContent).toContain("Oldest first"));
    await fireEvent.keyDown(sort, { key: "Escape" });
    expect(screen.queryByRole("listbox", { name: "Sort" })).toBeNull();
    expect(sort.dataset["value"]).toBe("newest");
    await fireEvent.keyDown(sort, { key: " " });
    await fireEvent.keyDown(sort, { key: "End" });
    await fireEvent.keyDown(sort, { key: "Enter" });
    await waitFor(() => expect(fake.calls.at(-1)?.request).toMatchObject({ sort: "oldest" }));
    expect(sort.dataset["value"]).toBe("oldest");
  });
});

describe("the window", () => {
  it("shows the photos that a newcomer adds, wherever one was before the library was empty", async () => {
    await open(0);
    await screen.findByTestId("first-run");
    cleanup();
    await open(50);
    fake.handlers.overview = (() => {
      const { overview } = fake.handlers;
      return async (request: null) => ({ ...(await overview(request)), photos: gone ? 0 : 50, folders: gone ? [] : [{ id: 1, path: "/home/anna/Photos", photos: 50, missing: false }] });
    })();
    let gone = false;
    await fireEvent.click(screen.getByTestId("settings"));
    await screen.findByTestId("settings-view");
    gone = true;
    fake.emit("library_changed", null);
    await screen.findByTestId("first-run");
    gone = false;
    await fireEvent.click(screen.getByTestId("choose-folder"));
    await screen.findAllByTestId("photo-cell");
    expect(screen.queryByTestId("settings-view")).toBeNull();
  });

  it("shows what it is built from, and on whose terms, where a person asks", async () => {
    await open(50);
    await fireEvent.click(screen.getByTestId("settings"));
    await fireEvent.click(await screen.findByTestId("licences"));
    expect((await screen.findByTestId("licences-text")).textContent).toContain("serde 1.0.0: MIT OR Apache-2.0");
    await fireEvent.click(screen.getByTestId("licences"));
    expect(screen.queryByTestId("licences-text")).toBeNull();
  });

  it("puts strips of work where they move no place of the sidebar", async () => {
    await open(50);
    const nav = screen.getByTestId("sidebar");
    const order = () => [...nav.children].map((child) => child.className.split(" ")[0]);
    expect(order()).toEqual(["scroll", "jobs", "bottom"]);
    fake.emit("job", runningJob());
    const strip = await screen.findByTestId("job-strip");
    expect(strip.closest(".jobs")).not.toBeNull();
    expect(order()).toEqual(["scroll", "jobs", "bottom"]);
  });

  it("counts a photo in its album as soon as a suggestion is answered", async () => {
    await open(500);
    await fake.call("create_album", { name: "Rex", photos: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] });
    fake.emit("library_changed", null);
    await fireEvent.click(await screen.findByTestId("teach"));
    await fireEvent.click(await screen.findByTestId("teach-start"));
    await screen.findByTestId("teach-running");
    fake.emit("job", runningJob({ id: 9, kind: "teach", state: "done" }));
    await fireEvent.click(await screen.findByTestId("use-version"));
    fake.emit("job", runningJob({ id: 10, kind: "activate", state: "done" }));
    await screen.findByTestId("asked-photo");
    const count = () => screen.getByTestId("album").textContent;
    expect(count()).toMatch(/Rex\s*10/);
    // A press on a waiting photo has the keyboard, and goes with it.
    const [first] = screen.getByTestId("suggestions").querySelectorAll<HTMLElement>("li button");
    first?.focus();
    await fireEvent.keyDown(document.body, { key: "y" });
    await waitFor(() => expect(count()).toMatch(/Rex\s*11/));
    await waitFor(() => expect(document.activeElement?.getAttribute("aria-current")).toBe("true"));
    await fireEvent.keyDown(document.body, { key: "z" });
    await waitFor(() => expect(count()).toMatch(/Rex\s*10/));
    await fireEvent.click(screen.getByTestId("answer-yes"));
    await waitFor(() => expect(count()).toMatch(/Rex\s*11/));
  });

  it("has the picture of the next photo in the page before one turns to it", async () => {
    await open(500);
    await fireEvent.click(cell(3));
    const viewer = await screen.findByTestId("lightbox");
    const frames = () => [...viewer.querySelectorAll<HTMLElement>(".photo")];
    const pictures = () => viewer.querySelectorAll("img.screen").length;
    await waitFor(() => expect(frames().length).toBe(3));
    // The open photo's comes first.
    expect(pictures()).toBe(1);
    await fireEvent.load(viewer.querySelector("img.screen") as HTMLElement);
    await waitFor(() => expect(pictures()).toBe(3));
    const next = frames()[1]?.querySelector("img.screen");
    await fireEvent.keyDown(viewer, { key: "ArrowRight" });
    expect(frames()[0]?.querySelector("img.screen")).toBe(next);
    expect(frames()[0]?.classList.contains("away")).toBe(false);
    expect(frames()[0]?.getAttribute("aria-hidden")).toBe("false");
    // Where nothing is loaded yet the thumbnail is there.
    for (let times = 0; times < 3; times += 1) await fireEvent.keyDown(viewer, { key: "ArrowRight" });
    expect(frames()[0]?.querySelector("img:not(.screen)")).not.toBeNull();
    await fireEvent.error(frames()[0]?.querySelector("img.screen") as HTMLElement);
    expect((await screen.findByRole("alert")).textContent).toContain("cannot be shown");
    await fireEvent.keyDown(viewer, { key: "ArrowRight" });
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  });
});
