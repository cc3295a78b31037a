import { cleanup, configure, fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import App from "./App.svelte";
import { fakePlatform, type FakePlatform, runningJob } from "./fake/platform";
import { openLibrary, started } from "./fake/start";
import { usePlatform } from "./platform";

// On a machine that is busy the window takes its time.
configure({ asyncUtilTimeout: 10_000 });

let fake: FakePlatform;

function open(photos: number): void {
  fake = fakePlatform({ photos });
  usePlatform(fake);
  render(App);
}

/** Opens a list of values and chooses one. */
async function choose(testid: string, value: string): Promise<void> {
  const select = await screen.findByTestId(testid);
  await fireEvent.click(select);
  const option = await waitFor(() => {
    const found = select.parentElement?.querySelector<HTMLElement>(`[role="option"][data-value="${value}"]`);
    expect(found).toBeTruthy();
    return found as HTMLElement;
  });
  await fireEvent.click(option);
}

/** Serious faults that can be told without a layout; contrast is measured in the real window. */
async function violations(): Promise<string[]> {
  const found = await axe.run(document.body, { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
  return found.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => `${v.id}: ${v.help}`);
}

// jsdom lays nothing out: every element is a window of this size.
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

describe("the window", () => {
  it("greets a newcomer and begins with a press", async () => {
    open(0);
    await screen.findByTestId("first-run");
    expect(await violations()).toEqual([]);
    await fireEvent.click(screen.getByTestId("try-samples"));
    await screen.findByTestId("job-strip");
    expect(fake.calls.some((call) => call.name === "add_samples")).toBe(true);
  });

  it("shows photos, searches as one types and tells when there is nothing", async () => {
    open(500);
    expect((await screen.findAllByTestId("photo-cell")).length).toBeGreaterThan(5);
    expect(screen.getByTestId("summary").textContent).toBe("500 photos");
    await fireEvent.input(screen.getByTestId("search-input"), { target: { value: "a dog" } });
    await waitFor(() => expect(screen.getByTestId("summary").textContent).toContain("60 matches among 500 photos"));
    expect(await violations()).toEqual([]);
    await fireEvent.input(screen.getByTestId("search-input"), { target: { value: "nothing" } });
    expect((await screen.findByTestId("empty")).textContent).toContain("No photo looks like “nothing”");
  });

  it("shows work under way and stops it", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    fake.emit("job", runningJob());
    const strip = await screen.findByTestId("job-strip");
    expect(strip.textContent).toContain("120 of 480");
    expect(strip.textContent).toContain("15 sec left");
    fake.emit("job", runningJob({ is_waiting: true, waits_for: 4711 }));
    await waitFor(() => expect(strip.textContent).toContain("until another Sightline is done with this library (process 4711)"));
    fake.emit("job", runningJob());
    await waitFor(() => expect(strip.textContent).not.toContain("another Sightline"));
    await fireEvent.click(screen.getByTestId("job-pause"));
    await screen.findByTestId("job-resume");
    await fireEvent.click(screen.getByTestId("job-cancel"));
    await waitFor(() => expect(screen.queryByTestId("job-strip")).toBeNull());
  });

  it("opens a photo, goes to the next with a key, and closes it", async () => {
    open(500);
    const [first] = await screen.findAllByTestId("photo-cell");
    await fireEvent.click(first as HTMLElement);
    const viewer = await screen.findByTestId("lightbox");
    expect(viewer.dataset["photo"]).toBe("500");
    await fireEvent.keyDown(viewer, { key: "ArrowRight" });
    await waitFor(() => expect(viewer.dataset["photo"]).toBe("499"));
    await fireEvent.keyDown(viewer, { key: "i" });
    const panel = await screen.findByTestId("info-panel");
    for (const told of ["FUJIFILM X100V", "Lisbon, Portugal", "★☆☆☆☆", "(guessed from the file name)"]) {
      expect(panel.textContent).toContain(told);
    }
    expect(await violations()).toEqual([]);
    await fireEvent.keyDown(viewer, { key: "Escape" });
    await waitFor(() => expect(screen.queryByTestId("lightbox")).toBeNull());
  });

  it("is asked about a photo with a key, answers, and leads to a model where none answers", async () => {
    open(500);
    await fireEvent.click((await screen.findAllByTestId("photo-cell"))[0] as HTMLElement);
    const viewer = await screen.findByTestId("lightbox");
    await fireEvent.keyDown(viewer, { key: "q" });
    const field = await screen.findByTestId("question-field");
    expect(document.activeElement).toBe(field);
    await fireEvent.input(field, { target: { value: "what is the dog doing?" } });
    await fireEvent.submit(field.closest("form") as HTMLFormElement);
    await waitFor(() => expect(screen.getByTestId("answer").textContent).toContain("It runs."));
    expect(screen.getByTestId("answer").textContent).toContain("smolvlm");
    expect(fake.calls.find((call) => call.name === "ask")?.request).toEqual({ photo: 500, question: "what is the dog doing?" });
    expect(await violations()).toEqual([]);
    await fireEvent.keyDown(field, { key: "Escape" });
    await waitFor(() => expect(screen.queryByTestId("question")).toBeNull());
    fake.handlers.ask = () => {
      throw { code: "no_answerer", message: "no model" };
    };
    await fireEvent.click(screen.getByTestId("question-open"));
    await fireEvent.input(await screen.findByTestId("question-field"), { target: { value: "why?" } });
    await fireEvent.click(screen.getByTestId("question-ask"));
    await fireEvent.click(await screen.findByTestId("question-models"));
    await screen.findByTestId("settings");
    expect(screen.queryByTestId("lightbox")).toBeNull();
  });

  it("filters by stars and place, and tells which filters there are", async () => {
    open(50);
    await screen.findAllByTestId("photo-cell");
    await fireEvent.click(screen.getByTestId("filters"));
    await choose("filter-rating", "4");
    await waitFor(() => expect(fake.calls.at(-1)?.request).toMatchObject({ filters: { rating: 4, place: null } }));
    const place = screen.getByLabelText("Place");
    await fireEvent.click(place);
    await waitFor(() => expect(screen.getByRole("listbox", { name: "Place" }).textContent).toContain("Lisbon, Portugal (50)"));
    expect(await violations()).toEqual([]);
    await fireEvent.click(place);
    await choose("filter-place", "Lisbon, Portugal");
    await waitFor(() => expect(fake.calls.at(-1)?.request).toMatchObject({ filters: { rating: 4, place: "Lisbon, Portugal" } }));
    await fireEvent.click(screen.getByLabelText("Remove filter ★★★★☆ or more"));
    await waitFor(() => expect(fake.calls.at(-1)?.request).toMatchObject({ filters: { rating: null, place: "Lisbon, Portugal" } }));
    await fireEvent.keyDown(document.body, { key: "?" });
    expect((await screen.findByTestId("search-help")).textContent).toContain("rating>=4");
    expect(await violations()).toEqual([]);
  });

  it("keeps zoom, selection and the place in the list while photos arrive", async () => {
    open(5000);
    await screen.findAllByTestId("photo-cell");
    const grid = screen.getByTestId("grid");
    grid.scrollTop = 4000;
    await fireEvent.scroll(grid);
    const cell = screen.getAllByTestId("photo-cell")[20] as HTMLElement;
    const photo = Number(cell.dataset["photo"]);
    await fireEvent.click(cell, { ctrlKey: true });
    const { photos } = fake.handlers;
    fake.handlers.photos = async (request) => ({ ids: [...Array.from({ length: 60 }, (_, i) => 9000 + i), ...(await photos(request)).ids] });
    fake.emit("library_changed", null);
    await waitFor(() => expect(screen.getByTestId("summary").textContent).toBe("5,060 photos"));
    expect(grid.scrollTop).toBeGreaterThan(5000);
    expect(screen.getByTestId("selection-bar").textContent).toContain("1 selected");
    expect(document.querySelector(`[data-photo="${photo}"]`)?.getAttribute("aria-selected")).toBe("true");
    await fireEvent.dblClick(document.querySelector(`[data-photo="${photo}"]`) as HTMLElement);
    const viewer = await screen.findByTestId("lightbox");
    await waitFor(() => expect(viewer.querySelector("img")).not.toBeNull());
    await fireEvent.keyDown(viewer, { key: "+" });
    const zoomed = viewer.querySelector<HTMLElement>(".photo")?.style.transform;
    expect(zoomed).toContain("scale(1.5)");
    fake.handlers.photos = photos;
    fake.emit("library_changed", null);
    await waitFor(() => expect(viewer.textContent).toContain("of 5,000"));
    expect(viewer.querySelector<HTMLElement>(".photo")?.style.transform).toBe(zoomed);
  });

  it("has recent searches for the keyboard, with their chips", async () => {
    open(500);
    await fake.call("save_settings", { theme: "light", language: "en", device: "auto", recent_searches: ['beach -"people"', "a dog"], watch: true, offer_answered: true });
    await screen.findAllByTestId("photo-cell");
    cleanup();
    render(App);
    const input = await screen.findByTestId("search-input");
    await screen.findAllByTestId("photo-cell");
    input.focus();
    await screen.findByTestId("recent-searches");
    expect(await violations()).toEqual([]);
    await fireEvent.keyDown(input, { key: "ArrowDown" });
    expect(document.activeElement?.textContent).toContain('beach -"people"');
    await fireEvent.click(document.activeElement as HTMLElement);
    await waitFor(() => expect((input as HTMLInputElement).value).toBe("beach"));
    expect(screen.getByRole("button", { name: "Remove people" })).toBeTruthy();
    expect(screen.queryByTestId("recent-searches")).toBeNull();
  });

  it("names an album where it stands, and takes photos that are dropped on it", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    await fake.call("create_album", { name: "Rex", photos: [] });
    fake.emit("library_changed", null);
    const album = await screen.findByTestId("album");
    document.elementFromPoint = () => album;
    const [cell] = screen.getAllByTestId("photo-cell");
    await fireEvent.pointerDown(cell as HTMLElement, { button: 0, clientX: 400, clientY: 200 });
    await fireEvent.pointerMove(window, { clientX: 100, clientY: 100 });
    await screen.findByTestId("carried");
    await fireEvent.pointerUp(window);
    await waitFor(() => expect(screen.getByTestId("album").textContent).toMatch(/Rex\s*1/));
    expect(screen.queryByTestId("lightbox")).toBeNull();
    await fireEvent.dblClick(screen.getByTestId("album"));
    const field = await screen.findByTestId("album-rename");
    await fireEvent.input(field, { target: { value: "Rexy" } });
    await fireEvent.keyDown(field, { key: "Enter" });
    await waitFor(() => expect(screen.getByTestId("album").textContent).toContain("Rexy"));
  });

  it("compares with a photo that is dropped and adds a folder that is dropped", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    const cat = fake.grant(["/tmp/cat.jpg"]);
    fake.emit("drag", { kind: "drop", folders: null, photo: cat });
    await waitFor(() => expect(fake.calls.find((call) => call.name === "similar_to_file")?.request).toMatchObject({ file: cat.grant }));
    await waitFor(() => expect(document.body.textContent).toContain("cat.jpg"));
    const more = fake.grant(["/home/anna/More"]);
    fake.emit("drag", { kind: "drop", folders: more, photo: null });
    await waitFor(() => expect(fake.calls.find((call) => call.name === "add_folders")?.request).toEqual({ folders: more.grant }));
    await waitFor(() => expect(fake.calls.at(-1)?.name).not.toBe("similar_to_file"));
    const three = fake.grant(["/home/anna/A", "/home/anna/B", "/home/anna/C"]);
    fake.emit("drag", { kind: "drop", folders: three, photo: null });
    await waitFor(() => expect(fake.calls.filter((call) => call.name === "add_folders").length).toBe(2));
    expect(fake.calls.filter((call) => call.name === "add_folders").at(-1)?.request).toEqual({ folders: three.grant });
  });

  it("adds the folder that a person chooses, and nothing when they close the dialog", async () => {
    open(0);
    fake.chosen = null;
    await fireEvent.click(await screen.findByTestId("choose-folder"));
    await waitFor(() => expect(fake.calls.find((call) => call.name === "choose")?.request).toMatchObject({ purpose: "add_folders", name: null }));
    fake.chosen = ["/home/anna/Pictures"];
    await fireEvent.click(screen.getByTestId("choose-folder"));
    await waitFor(() => expect(fake.calls.some((call) => call.name === "add_folders")).toBe(true));
    expect(fake.calls.filter((call) => call.name === "add_folders").length).toBe(1);
    expect(JSON.stringify(fake.calls)).not.toContain("/home/anna/Pictures");
    fake.handlers.add_folders = () => Promise.reject({ code: "grant_gone", message: "the engine's words" });
    await fireEvent.click(screen.getByTestId("choose-folder"));
    await screen.findByText("This choice has expired. Choose again.");
  });

  it("shows an album whole, however its photos went and came back, and asks again for pictures that did not come", async () => {
    open(500);
    fake.pictureUrl = (size, photo) => `sightline://localhost/${size}/${photo}`;
    const ids = Array.from({ length: 60 }, (_, index) => 500 - index);
    await fake.call("create_album", { name: "Rex", photos: ids });
    await screen.findAllByTestId("photo-cell");
    fake.emit("library_changed", null);
    const { photos } = fake.handlers;
    let there = (_: number) => true;
    fake.handlers.photos = async (request) => ({ ids: (await photos(request)).ids.filter(there) });
    const shown = () => screen.queryAllByTestId("photo-cell").map((cell) => Number(cell.dataset["photo"]));
    // From the view where a version of the model is taken back, in the middle of its news.
    await fireEvent.click(screen.getByTestId("teach"));
    fake.emit("library_changed", null);
    await fireEvent.click(await screen.findByTestId("album"));
    // A window of 600 pixels and as much below it: seven rows of five.
    await waitFor(() => expect(shown()).toEqual(ids.slice(0, 35)));
    for (const left of [(photo: number) => photo > 497, () => false]) {
      there = left;
      fake.emit("library_changed", null);
      await waitFor(() => expect(shown()).toEqual(ids.filter(left)));
      there = () => true;
      fake.emit("library_changed", null);
      await waitFor(() => expect(shown()).toEqual(ids.slice(0, 35)));
    }
    const picture = document.querySelector('[data-photo="470"] img') as HTMLImageElement;
    await fireEvent.error(picture);
    await waitFor(() => expect(picture.src).toBe("sightline://localhost/thumb/470?again=1"), { timeout: 2000 });
  });

  it("shows one strip for all folders that are looked at, and stops all of them", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    for (const id of [21, 22, 23]) fake.emit("job", runningJob({ id, state: id === 21 ? "running" : "queued" }));
    await screen.findByTestId("job-strip");
    expect(screen.getAllByTestId("job-strip").length).toBe(1);
    await fireEvent.click(screen.getByTestId("job-cancel"));
    await waitFor(() => expect(fake.calls.filter((call) => call.name === "control_job").length).toBe(3));
  });

  it("says that a folder has no photo, once it has been looked through", async () => {
    open(0);
    await screen.findByTestId("first-run");
    fake.emit("drag", { kind: "drop", folders: fake.grant(["/home/anna/Empty"]), photo: null });
    await screen.findByTestId("empty");
    fake.emit("job", runningJob());
    await screen.findByText("Looking at photos", { selector: "h2" });
    fake.emit("job", runningJob({ state: "done" }));
    await waitFor(() => expect(screen.getByTestId("empty").textContent).toContain("No photos found in /home/anna/Empty"));
    expect(screen.getByTestId("empty").textContent).toContain("JPEG");
    expect(screen.getByTestId("choose-other")).toBeTruthy();
    expect(await violations()).toEqual([]);
  });

  it("says why a library does not open, repairs it, and goes on", async () => {
    fake = fakePlatform({ photos: 500 });
    usePlatform(fake);
    const failure = { kind: "damaged" as const, code: "not_a_catalogue", message: "catalogue.sqlite: damaged", ways: ["repair" as const, "restore" as const, "retry" as const] };
    fake.handlers.start_state = () => openLibrary({ failure });
    fake.handlers.retry_start = () => started({ state: openLibrary({ failure }) });
    render(App);
    const said = await screen.findByTestId("start-failure");
    expect(said.textContent).toContain("The library is damaged");
    expect(said.textContent).toContain("catalogue.sqlite: damaged");
    expect(await violations()).toEqual([]);
    expect(fake.calls.every((call) => call.name === "start_state")).toBe(true);
    await fireEvent.click(screen.getByTestId("start-retry"));
    await waitFor(() => expect((screen.getByTestId("start-repair") as HTMLButtonElement).disabled).toBe(false));
    await fireEvent.click(screen.getByTestId("start-repair"));
    await screen.findAllByTestId("photo-cell");
    expect(screen.getByTestId("start-notice").textContent).toContain("catalogue.sqlite.old");
    expect(screen.queryByTestId("start-failure")).toBeNull();
  });

  it("says for as long as it is open that a library is only read, and saves no setting in it", async () => {
    fake = fakePlatform({ photos: 500 });
    usePlatform(fake);
    fake.handlers.start_state = () => openLibrary({ read_only: true });
    fake.handlers.create_album = () => Promise.reject({ code: "library_read_only", message: "name another with --library" });
    render(App);
    await screen.findAllByTestId("photo-cell");
    expect(screen.getByTestId("read-only").textContent).toContain("open read-only");
    expect(await violations()).toEqual([]);
    await fireEvent.click(screen.getByTestId("settings"));
    await fireEvent.change(await screen.findByTestId("theme"), { target: { value: "dark" } });
    expect(fake.calls.some((call) => call.name === "save_settings")).toBe(false);
    await fireEvent.click(screen.getByTestId("new-album"));
    await fireEvent.input(await screen.findByTestId("album-name"), { target: { value: "Rex" } });
    await fireEvent.click(screen.getByTestId("album-save"));
    await screen.findByText("This library is open read-only, so nothing can be changed.");
  });

  it("has settings and problems that can be reached", async () => {
    open(500);
    await fireEvent.click(await screen.findByTestId("settings"));
    await screen.findByText("CPU (2 cores)");
    expect(await violations()).toEqual([]);
    await fireEvent.click(screen.getByTestId("problems"));
    expect((await screen.findAllByTestId("problem-row")).length).toBe(2);
    expect(await violations()).toEqual([]);
  });

  it("asks before it forgets many photos, and says what belongs to a photo", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    const { overview } = fake.handlers;
    let absences = [{ path: "/home/anna/Photos", missing: 1204, known: 3000 }];
    fake.handlers.overview = async (request) => ({ ...(await overview(request)), absences });
    fake.handlers.answer_absence = () => {
      absences = [];
      return null;
    };
    fake.emit("library_changed", null);
    const dialog = await screen.findByTestId("missing-dialog");
    expect(dialog.textContent).toContain("1,204 of 3,000 photos of /home/anna/Photos are not there. Is a disk unplugged?");
    expect(await violations()).toEqual([]);
    await fireEvent.click(screen.getByTestId("keep-missing"));
    await waitFor(() => expect(screen.queryByTestId("missing-dialog")).toBeNull());
    expect(fake.calls.find((call) => call.name === "answer_absence")?.request).toEqual({ path: "/home/anna/Photos", forget: false });
    const [first] = await screen.findAllByTestId("photo-cell");
    await fireEvent.click(first as HTMLElement);
    await fireEvent.keyDown(await screen.findByTestId("lightbox"), { key: "i" });
    expect((await screen.findByTestId("companion")).textContent).toContain("500.raf");
  });

  it("finds photos that were just written without a word about the work", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    fake.emit("job", runningJob({ id: 7, kind: "follow", total: 2, done: 1 }));
    const { photos } = fake.handlers;
    fake.handlers.photos = async (request) => ({ ids: [9001, ...(await photos(request)).ids] });
    fake.emit("library_changed", null);
    await waitFor(() => expect(document.querySelector('[data-photo="9001"]')).not.toBeNull());
    expect(screen.queryByTestId("job-strip")).toBeNull();
    fake.emit("job", runningJob({ id: 7, kind: "follow", total: 2, done: 2, state: "done" }));
    fake.emit("job", runningJob({ id: 8, kind: "follow", total: 200, done: 1 }));
    await screen.findByTestId("job-strip");
  });

  it("shows an error and the way to try again", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    fake.handlers.search = () => Promise.reject({ code: "model_panicked", message: "the model stopped unexpectedly" });
    await fireEvent.input(screen.getByTestId("search-input"), { target: { value: "a dog" } });
    expect((await screen.findByRole("alert")).textContent).toContain("the model stopped unexpectedly");
    expect(screen.getAllByTestId("photo-cell").length).toBeGreaterThan(5);
  });

  it("says quietly what is missing of half a filter, and marks the photos of before", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    fake.handlers.search = () => Promise.reject({ code: "query_wrong", message: "after: takes a date such as 2021-06" });
    await fireEvent.input(screen.getByTestId("search-input"), { target: { value: "after:x" } });
    await waitFor(() => expect(screen.getByTestId("summary").textContent).toContain("after: takes a date such as 2021-06"));
    expect(screen.queryByRole("alert")).toBeNull();
    expect(screen.getAllByTestId("photo-cell").length).toBeGreaterThan(5);
    await waitFor(() => expect(screen.getByTestId("shown").getAttribute("aria-busy")).toBe("true"));
  });

  it("calls no photo a strong match that was only filtered", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    fake.handlers.search = () => ({ strong: [1, 2, 3], possible: [], less_likely: [], beyond: "nothing", unknown: null, chips: [], judged: false, searched: 500, took_ms: 1 });
    await fireEvent.input(screen.getByTestId("search-input"), { target: { value: "-dog" } });
    await waitFor(() => expect(screen.getByTestId("summary").textContent).toBe("3 photos"));
    expect(screen.getByTestId("grid").textContent).not.toContain("Strong");
  });

  it("says that a place is not known instead of showing other photos", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    fake.handlers.search = () => ({ strong: [], possible: [], less_likely: [], beyond: "nothing", unknown: { kind: "place", value: "Lisbx" }, chips: [], judged: true, searched: 0, took_ms: 1 });
    await fireEvent.input(screen.getByTestId("search-input"), { target: { value: "in:Lisbx" } });
    expect((await screen.findByTestId("empty")).textContent).toContain("No place or folder called “Lisbx”");
    expect(screen.queryByTestId("photo-cell")).toBeNull();
  });

  it("shows less likely matches below the others when that is asked for", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    await fireEvent.input(screen.getByTestId("search-input"), { target: { value: "a dog" } });
    const button = await screen.findByTestId("more");
    expect(button.textContent).toBe("Show less likely matches");
    await fireEvent.click(button);
    await waitFor(() => expect(screen.getByTestId("summary").textContent).toContain("60 matches and 200 less likely among 500 photos"));
    expect(await violations()).toEqual([]);
  });

  it("teaches albums, shows the proof, takes a version into use and asks with one key", async () => {
    open(500);
    await fake.call("create_album", { name: "Rex", photos: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] });
    await fake.call("create_album", { name: "Bella", photos: [11, 12, 13, 14, 15, 16, 17, 18, 19, 20] });
    await screen.findAllByTestId("photo-cell");
    fake.emit("library_changed", null);
    await fireEvent.click(screen.getByTestId("teach"));
    await waitFor(() => expect(screen.getByTestId("teach-plan").textContent).toContain("15 photos"));
    expect(screen.queryByTestId("suggestions")).toBeNull();
    expect(await violations()).toEqual([]);
    await fireEvent.click(screen.getByTestId("teach-start"));
    await screen.findByTestId("teach-running");
    fake.emit("job", runningJob({ id: 9, kind: "teach", state: "done" }));
    const report = await screen.findByTestId("teach-report");
    expect(report.textContent).toContain("81% (77 to 84)");
    expect(report.textContent).toContain("Rex, taken for Bella (93%)");
    expect(await violations()).toEqual([]);
    await fireEvent.click(screen.getByTestId("use-version"));
    fake.emit("job", runningJob({ id: 10, kind: "activate", state: "done" }));
    await screen.findByTestId("asked-photo");
    const asked = () => (screen.getByTestId("asked-photo") as HTMLImageElement).src;
    const first = asked();
    await fireEvent.keyDown(document.body, { key: "n" });
    await waitFor(() => expect(asked()).not.toBe(first));
    await fireEvent.keyDown(document.body, { key: "z" });
    await waitFor(() => expect(asked()).toBe(first));
    expect(await violations()).toEqual([]);
  });
});
