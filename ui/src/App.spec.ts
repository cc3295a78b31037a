import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import App from "./App.svelte";
import { fakePlatform, type FakePlatform, runningJob } from "./fake/platform";
import { usePlatform } from "./platform";

let fake: FakePlatform;

function open(photos: number): void {
  fake = fakePlatform({ photos });
  usePlatform(fake);
  render(App);
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
    expect((await screen.findByTestId("info-panel")).textContent).toContain("FUJIFILM X100V");
    expect(await violations()).toEqual([]);
    await fireEvent.keyDown(viewer, { key: "Escape" });
    await waitFor(() => expect(screen.queryByTestId("lightbox")).toBeNull());
  });

  it("compares with a photo that is dropped and adds a folder that is dropped", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    fake.drop({ kind: "drop", paths: ["/tmp/cat.jpg"] });
    await waitFor(() => expect(fake.calls.some((call) => call.name === "similar_to_file")).toBe(true));
    fake.drop({ kind: "drop", paths: ["/home/anna/More"] });
    await waitFor(() => expect(fake.calls.at(-1)?.name).not.toBe("similar_to_file"));
    expect(fake.calls.find((call) => call.name === "add_folder")?.request).toEqual({ path: "/home/anna/More" });
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

  it("shows an error and the way to try again", async () => {
    open(500);
    await screen.findAllByTestId("photo-cell");
    fake.handlers.search = () => Promise.reject({ code: "query_wrong", message: "after: takes a date such as 2021-06" });
    await fireEvent.input(screen.getByTestId("search-input"), { target: { value: "after:x" } });
    expect((await screen.findByRole("alert")).textContent).toContain("after: takes a date such as 2021-06");
  });
});
