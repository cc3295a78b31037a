/** The one box and the hand: what is understood can be given back, filters complete themselves, photos are copied and trashed. */
import { cleanup, configure, fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import App from "./App.svelte";
import { fakePlatform, type FakePlatform, runningJob } from "./fake/platform";
import { usePlatform } from "./platform";

configure({ asyncUtilTimeout: 10_000 });

let fake: FakePlatform;

async function open(photos = 500): Promise<HTMLInputElement> {
  fake = fakePlatform({ photos });
  usePlatform(fake);
  render(App);
  await screen.findAllByTestId("photo-cell");
  return screen.getByTestId<HTMLInputElement>("search-input");
}

async function type(input: HTMLInputElement, text: string): Promise<void> {
  input.focus();
  await fireEvent.input(input, { target: { value: text } });
}

async function violations(): Promise<string[]> {
  const found = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
  return found.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => `${v.id}: ${v.help}`);
}

const requests = (name: string) => fake.calls.filter((call) => call.name === name).map(({ request }) => request);

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
afterEach(() => {
  vi.useRealTimers();
  cleanup();
});

describe("the one box", () => {
  it("shows what it understood, and takes the words as words when a chip is pressed", async () => {
    const input = await open();
    await type(input, "beach summer 2015");
    const chip = await screen.findByTestId("meaning");
    expect(chip.textContent).toBe("June 2015 to August 2015");
    expect(await violations()).toEqual([]);
    await fireEvent.click(chip);
    await waitFor(() => expect(screen.queryByTestId("meaning")).toBeNull());
    expect(requests("search").at(-1)).toMatchObject({ query: "beach summer 2015", as_words: ["summer 2015"] });
    await type(input, "beach summer 2015 dog");
    await waitFor(() => expect(requests("search").at(-1)).toMatchObject({ query: "beach summer 2015 dog", as_words: ["summer 2015"] }));
    // Other words, and they are understood anew.
    await type(input, "beach summer");
    await type(input, "beach summer 2015");
    await screen.findByTestId("meaning");
  });

  it("remembers a search that found something without Enter, and none of the letters on the way", async () => {
    const input = await open();
    vi.useFakeTimers({ shouldAdvanceTime: true });
    for (const text of ["d", "do", "dog"]) await type(input, text);
    await waitFor(() => expect(screen.getByTestId("summary").dataset["answered"]).toBe("dog"));
    await vi.advanceTimersByTimeAsync(2500);
    const remembered = () => (requests("save_settings").at(-1) as { recent_searches: string[] } | undefined)?.recent_searches;
    expect(remembered()).toEqual(["dog"]);
    await type(input, "dog in the snow");
    await waitFor(() => expect(screen.getByTestId("summary").dataset["answered"]).toBe("dog in the snow"));
    await vi.advanceTimersByTimeAsync(2500);
    expect(remembered()).toEqual(["dog in the snow"]);
    await type(input, "nothing");
    await vi.advanceTimersByTimeAsync(2500);
    expect(remembered()).toEqual(["dog in the snow"]);
  });

  it("says where it searches, and offers the whole library", async () => {
    const input = await open();
    await fake.call("create_album", { name: "Trip", photos: [1, 2, 3] });
    fake.emit("library_changed", null);
    await fireEvent.click(await screen.findByTestId("album"));
    expect(screen.queryByTestId("search-scope")).toBeNull();
    await type(input, "dog");
    expect((await screen.findByTestId("search-scope")).textContent).toContain("In the album Trip");
    expect(requests("search").at(-1)).toMatchObject({ filters: { album: 1 } });
    await fireEvent.click(screen.getByTestId("search-everywhere"));
    await waitFor(() => expect(requests("search").at(-1)).toMatchObject({ query: "dog", filters: { album: null } }));
    expect(screen.queryByTestId("search-scope")).toBeNull();
  });

  it("completes a filter with keys and with the mouse", async () => {
    const input = await open();
    await type(input, "dog in:li");
    const offers = await screen.findByTestId("completions");
    expect(offers.textContent).toContain("Lisbon");
    expect(await violations()).toEqual([]);
    await fireEvent.keyDown(input, { key: "ArrowDown" });
    expect(document.activeElement?.textContent).toBe("Lisbon");
    await fireEvent.click(document.activeElement as HTMLElement);
    expect(input.value).toBe("dog in:Lisbon ");
    expect(screen.queryByTestId("completions")).toBeNull();
    await type(input, "camera:");
    await fireEvent.click(await screen.findByText("FUJIFILM X100V"));
    expect(input.value).toBe('camera:"FUJIFILM X100V" ');
    await type(input, "#tr");
    await screen.findByText("travel");
    await fireEvent.keyDown(input, { key: "Escape" });
    await waitFor(() => expect(screen.queryByTestId("completions")).toBeNull());
    expect(input.value).toBe("#tr");
  });
});

describe("the hand", () => {
  const cell = (index: number) => screen.getAllByTestId("photo-cell")[index] as HTMLElement;

  it("copies one photo as a picture and several as paths", async () => {
    await open();
    cell(1).focus();
    await fireEvent.keyDown(cell(1), { key: "c", ctrlKey: true });
    await waitFor(() => expect(fake.copied).toEqual(["/home/anna/Photos/499.jpg"]));
    expect(fake.pictures).toHaveLength(1);
    await fireEvent.click(cell(0), { ctrlKey: true });
    await fireEvent.click(cell(2), { ctrlKey: true });
    await fireEvent.keyDown(cell(2), { key: "c", ctrlKey: true });
    await waitFor(() => expect(fake.copied.at(-1)).toBe("/home/anna/Photos/500.jpg\n/home/anna/Photos/498.jpg"));
  });

  it("moves photos to the trash with the key and offers to take that back", async () => {
    await open();
    cell(1).focus();
    await fireEvent.keyDown(cell(1), { key: "Delete" });
    await waitFor(() => expect(requests("trash_photos")).toEqual([{ photos: [499], language: "en" }]));
    fake.emit("job", runningJob({ id: 22, kind: "trash_photos", state: "done" }));
    await fireEvent.click(await screen.findByTestId("toast-action"));
    await waitFor(() => expect(requests("undo_trash")).toHaveLength(1));
  });

  it("takes photos out of an album with the same key there, and trashes none", async () => {
    await open();
    await fake.call("create_album", { name: "Trip", photos: [3, 2, 1] });
    fake.emit("library_changed", null);
    await fireEvent.click(await screen.findByTestId("album"));
    await waitFor(() => expect(screen.getAllByTestId("photo-cell")).toHaveLength(3));
    cell(0).focus();
    await fireEvent.keyDown(cell(0), { key: "Delete" });
    await waitFor(() => expect(requests("remove_from_album")).toHaveLength(1));
    expect(requests("trash_photos")).toEqual([]);
  });

  it("has a menu for albums and for the room between photos", async () => {
    await open();
    await fake.call("create_album", { name: "Trip", photos: [3] });
    fake.emit("library_changed", null);
    await fireEvent.contextMenu(await screen.findByTestId("album"));
    await screen.findByText("Rename");
    await fireEvent.contextMenu(screen.getByTestId("grid"));
    const menu = await screen.findByTestId("photo-menu");
    expect(menu.getAttribute("aria-label")).toBe("Photos");
    expect(menu.textContent).toContain("Select all");
    expect(menu.textContent).not.toContain("Find similar");
    expect(await violations()).toEqual([]);
  });

  it("fills the screen with F11, and shows how large a photo is", async () => {
    await open();
    await fireEvent.keyDown(document.body, { key: "F11" });
    await waitFor(() => expect(fake.fullScreen).toBe(true));
    await fireEvent.dblClick(cell(0));
    const viewer = await screen.findByTestId("lightbox");
    const zoom = await screen.findByTestId("zoom");
    await waitFor(() => expect(zoom.textContent).toBe("75%"));
    await fireEvent.keyDown(viewer, { key: "z" });
    await waitFor(() => expect(zoom.textContent).toBe("100%"));
    await fireEvent.keyDown(viewer, { key: "0" });
    await waitFor(() => expect(zoom.textContent).toBe("75%"));
  });
});
