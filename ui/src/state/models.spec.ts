import { cleanup, configure, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import App from "../App.svelte";
import type { ModelRow, Models as Found, Overview } from "../api/bindings";
import { fakePlatform, runningJob, type FakePlatform } from "../fake/platform";
import { usePlatform } from "../platform";
import { AppState } from "./app.svelte";
import { Models } from "./models.svelte";

// On a machine that is busy the window takes its time.
configure({ asyncUtilTimeout: 10_000 });

let fake: FakePlatform;

class NoResizes implements ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

beforeEach(() => {
  fake = fakePlatform({ photos: 600 });
  usePlatform(fake);
  globalThis.ResizeObserver = NoResizes;
});
afterEach(cleanup);

async function listed(): Promise<{ models: Models; named: (name: string) => ModelRow }> {
  const models = new Models();
  await models.refresh();
  const named = (name: string) => models.found?.models.find((model) => model.name === name) as ModelRow;
  return { models, named };
}

const asked = (name: string) => fake.calls.filter((call) => call.name === name).map((call) => call.request);

describe("models", () => {
  it("that answer are used at once and no more when one likes, and do not take the place of a better search", async () => {
    const { models, named } = await listed();
    const offered = models.offered?.name;
    await fake.handlers.get_model({ name: "smolvlm", licence: "Apache-2.0", keep_original: false });
    await models.refresh();
    expect([named("smolvlm").state, models.offered?.name]).toEqual(["installed", offered]);
    await models.askUse(named("smolvlm"));
    expect(models.question).toMatchObject({ kind: "use", plan: { to_index: 0 } });
    await models.confirm();
    await models.refresh();
    expect([named("smolvlm").in_use, named("home-1").in_use]).toEqual([true, true]);
    await models.stopUsing(named("smolvlm"));
    expect(asked("stop_using_model")).toEqual([{ name: "smolvlm" }]);
    expect([named("smolvlm").in_use, named("home-1").in_use]).toEqual([false, true]);
  });

  it("are fetched only once their licence is accepted", async () => {
    const { models, named } = await listed();
    models.askGet(named("multilingual-fast"));
    expect(await models.confirm()).toBeNull();
    expect(asked("get_model")).toEqual([]);
    if (models.question?.kind !== "get") throw new Error("nothing is asked");
    models.question.accepted = true;
    models.question.keepOriginal = true;
    expect(await models.confirm()).toMatchObject({ job: { kind: "fetch" } });
    expect(asked("get_model")).toEqual([{ name: "multilingual-fast", licence: "Apache-2.0", keep_original: true }]);
    expect(models.question).toBeNull();
  });

  it("that do not fit on the disk are not offered for download, but where nobody knows its room", async () => {
    const { models, named } = await listed();
    models.askGet(named("multilingual-fast"));
    expect(models.hasRoom).toBe(true);
    const free = (free_bytes: number | null) => (models.found = { models: models.found?.models ?? [], taught_again: null, free_bytes });
    free(2_000_000_000);
    expect(models.hasRoom).toBe(false);
    free(null);
    expect(models.hasRoom).toBe(true);
  });

  it("say what their use takes before it begins", async () => {
    const { models, named } = await listed();
    const trying = models.askUse(named("standard"));
    expect(models.question).toMatchObject({ kind: "use", plan: null });
    expect(await models.confirm()).toBeNull();
    await trying;
    expect(models.question).toMatchObject({ kind: "use", plan: { to_index: 600, labels: ["Rex"] } });
    expect(await models.confirm()).toMatchObject({ job: { kind: "switch_model" } });
    expect(asked("use_model")).toEqual([{ name: "standard" }]);
  });

  it("that fail their trial are asked about no more", async () => {
    const { models, named } = await listed();
    fake.handlers.switch_plan = () => {
      throw { code: "model_broken", message: "standard cannot be used" };
    };
    await expect(models.askUse(named("standard"))).rejects.toMatchObject({ code: "model_broken" });
    expect(models.question).toBeNull();
  });

  it("answer late to a question that was closed without bringing it back", async () => {
    const { models, named } = await listed();
    const trying = models.askUse(named("standard"));
    models.close();
    await trying;
    expect(models.question).toBeNull();
  });

  it("are removed, and what the library has of them is freed", async () => {
    const { models, named } = await listed();
    models.askRemove(named("standard"));
    expect(await models.confirm()).toEqual({ bytes: 0 });
    models.askFree(named("home-1"));
    expect(await models.confirm()).toMatchObject({ job: { kind: "free_vectors" } });
  });

  it("are read again when work on them is over, and not before", async () => {
    const { models } = await listed();
    const reads = () => asked("models").length;
    await models.hear(runningJob({ kind: "fetch" }));
    await models.hear(runningJob({ kind: "caption", state: "done" }));
    expect(reads()).toBe(1);
    await models.hear(runningJob({ kind: "switch_model", state: "done" }));
    expect(reads()).toBe(2);
  });
});

describe("the list of models", () => {
  it("says what came of trying one, and has no way to use one that failed", async () => {
    render(App);
    fake.handlers.get_model({ name: "standard", licence: "MIT", keep_original: false });
    await fireEvent.click(await screen.findByTestId("settings"));
    const row = () => screen.getAllByTestId("model").find((row) => row.dataset["name"] === "standard") as HTMLElement;
    await waitFor(() => expect(row().textContent).toContain("19 of 20 sentences find their sample photo, 16 with the bundled model"));
    const use = () => within(row()).getByRole("button", { name: "Use… standard" }) as HTMLButtonElement;
    expect(use().disabled).toBe(false);
    const { models, ...rest } = fake.handlers.models(null) as Found;
    const proof = { right: 3, of: 20, bundled: 16, fault: "3 of 20 sentences find their sample photo; choose another model" };
    fake.handlers.models = () => ({ ...rest, models: models.map((model) => (model.name === "standard" ? { ...model, proof } : model)) });
    fake.emit("job", runningJob({ id: 25, kind: "verify_model", state: "failed", error: { code: "model_unproven", message: "it is not used" } }));
    await waitFor(() => expect(row().textContent).toContain("It is not used: 3 of 20"));
    expect(use().disabled).toBe(true);
  });
});

describe("the offer of a better model", () => {
  async function started(): Promise<AppState> {
    const app = new AppState();
    await app.start();
    await expect.poll(() => app.models.found).not.toBeNull();
    return app;
  }

  it("comes when all photos were looked at once, stays whatever is done then, and never comes again when it was answered", async () => {
    fake.handlers.overview = ((overview) => () => ({ ...(overview(null) as Overview), jobs: [runningJob()] }))(fake.handlers.overview);
    const app = await started();
    expect(app.offered).toBeNull();
    app.jobs.hear(runningJob({ state: "done" }));
    expect(app.offered?.name).toBe("multilingual-fast");
    app.jobs.hear(runningJob({ id: 2, kind: "duplicates" }));
    expect(app.offered).not.toBeNull();
    await app.preferences.answerOffer();
    expect(app.offered).toBeNull();
    expect((await started()).offered).toBeNull();
  });

  it("does not come to an empty library, nor to somebody who has another model", async () => {
    fake = fakePlatform({ photos: 0 });
    usePlatform(fake);
    expect((await started()).offered).toBeNull();
    fake = fakePlatform({ photos: 10 });
    usePlatform(fake);
    fake.handlers.get_model({ name: "standard", licence: "MIT", keep_original: false });
    expect((await started()).offered).toBeNull();
  });
});
