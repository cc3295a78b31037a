/**
 * Searching in the window: excluding a term, seeing what is less likely, and typing filters letter by letter.
 *
 * With `../shared` the photos are of Flickr8k; elsewhere the samples, of which fewer things can be said.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";

import { addFolder, call, cell, library, looks, noSeriousViolations, root, samples, skip } from "./harness.mjs";
import { KEYS } from "./webdriver.mjs";

const search = '[data-testid="search-input"]';
const summary = '[data-testid="summary"]';
const more = '[data-testid="more"]';
const flickr = resolve(root, "../shared/data/flickr8k");
const captioned = existsSync(flickr);
if (!captioned) console.log("SKIPPED: ../shared/data/flickr8k is not there; the samples are searched instead");

/** The photos shown, of the window's own list and not only of the rows in view. */
const shown = (app) => app.run(`return Number(document.querySelector('${cell}')?.getAttribute("aria-setsize") ?? 0)`);
const inView = (app) => app.run(`return [...document.querySelectorAll('${cell}')].map((cell) => Number(cell.dataset.photo))`);
const headings = (app) => app.run(`return [...document.querySelectorAll(".heading")].map((heading) => heading.textContent.trim())`);

const answered = (app, query) =>
  app.until(
    `an answer to ${query}`,
    `const { dataset, ariaBusy } = document.querySelector('${summary}') ?? { dataset: {} };
     return ariaBusy === "false" && dataset.answered === ${JSON.stringify(query)}`,
  );

async function typeAnew(app, words) {
  await app.run("document.getElementById('search-input').select()");
  await app.type(words, search);
}

/** All matches of a query, asked of the engine. */
async function matches(app, query) {
  const filters = { after: null, before: null, camera: null, lens: null, rating: null, place: null, folder: null, format: null, album: null };
  const { strong, possible } = await call(app, "search", { query, limit: 5000, less_likely: 0, filters, sort: "match" });
  return [...strong, ...possible];
}

/** Presses the button with these words. */
const press = (app, words) =>
  app.run(
    `const button = [...document.querySelectorAll("button")].find((button) => button.textContent.trim() === arguments[0]);
     button.id = "to-press"; return true`,
    words,
  ).then(() => app.click("#to-press"));

describe("searching in the window", { skip }, () => {
  const place = library();
  const photos = join(place.folder, "photos");
  const wanted = "dog";
  let app;
  before(async () => {
    mkdirSync(looks, { recursive: true });
    mkdirSync(photos);
    const names = captioned ? readFileSync(join(flickr, "dev.txt"), "utf8").trim().split(/\s+/).slice(0, 400) : samples;
    const from = captioned ? join(flickr, "images") : join(root, "assets/samples");
    for (const name of names) copyFileSync(join(from, name), join(photos, name));
    app = await place.start();
    await app.resize(1200, 800);
    await app.find('[data-testid="first-run"]');
    await addFolder(app, photos);
  });
  after(async () => {
    await app?.kill();
    place.remove();
  });

  it("takes away what a chip excludes and leaves the rest", async () => {
    await typeAnew(app, wanted);
    await answered(app, wanted);
    const before = await shown(app);
    await press(app, "Exclude a term");
    await app.type("snow" + KEYS.enter, ".draft");
    await answered(app, `${wanted} -"snow"`);
    const after = await shown(app);
    assert.ok(after <= before && after >= 0.7 * before, `${after} of ${before} are left`);
    const dogs = new Set(await matches(app, wanted));
    for (const photo of await inView(app)) assert.ok(dogs.has(photo), `photo ${photo} is no match of ${wanted}`);
    if (captioned) assert.ok(before >= 10, `${before} dogs are too few to say anything`);
    await app.screenshot(join(looks, "excluded.png"));
    await noSeriousViolations(app, "an excluded term");
    // With the keyboard: the chip goes with Backspace, and an exclusion can be typed.
    await app.run("document.getElementById('search-input').select()");
    await app.type("\uE003\uE003", search);
    await app.until("the chip is gone", `return document.querySelector(".chip.unlike") === null`);
    await app.type(`${wanted} -snow`, search);
    await answered(app, `${wanted} -snow`);
    assert.equal(await shown(app), after, "typed or as a chip, it is the same question");
  });

  it("shows less likely photos below the matches when that is asked for", async () => {
    await typeAnew(app, wanted);
    await answered(app, wanted);
    const before = await shown(app);
    assert.equal(await app.text(more), "Show less likely matches");
    const first = (await inView(app))[0];
    await app.click(more);
    await app.until("more photos", `return Number(document.querySelector('${cell}').getAttribute("aria-setsize")) > ${before}`);
    assert.equal((await inView(app))[0], first, "the matches stay where they are");
    assert.match(await app.text(summary), new RegExp(`^${before} match(es)? and \\d+ less likely among `));
    await app.run(`document.querySelector('[data-testid="grid"]').scrollTop = 1e6; return true`);
    await app.until("the third section", `return [...document.querySelectorAll(".cell")].some((cell) => Number(cell.getAttribute("aria-posinset")) > ${before})`);
    await app.screenshot(join(looks, "less-likely.png"));
    await noSeriousViolations(app, "less likely photos");
    await typeAnew(app, "a beach");
    await answered(app, "a beach");
    assert.ok(!(await headings(app)).some((heading) => heading.startsWith("Less likely")), "the next question begins anew");
  });

  it("takes signs, quotes and half a filter for what they are while they are typed", async () => {
    await typeAnew(app, "a dog");
    await answered(app, "a dog");
    const alerts = () => app.count('[role="alert"]');
    for (const typed of ["-", "+", '"', "a dog -", 'a dog "', "dog in:", "dog after:"]) {
      await typeAnew(app, typed);
      await app.until(`an answer to ${typed}`, `return document.querySelector('${summary}').ariaBusy === "false"`);
      assert.equal(await alerts(), 0, `${typed} is no mistake`);
    }
    // What was found before is marked as such, with a word on what is missing, and no alarm.
    await typeAnew(app, "a dog");
    await answered(app, "a dog");
    await app.type(" after:20", search);
    await app.until("what is missing", `return document.querySelector('${summary}').textContent.includes("is not a date")`);
    await app.until("the mark", `return document.querySelector('[data-testid="shown"]').ariaBusy === "true"`);
    assert.equal(await alerts(), 0);
    await app.screenshot(join(looks, "half-a-filter.png"));
    await app.type("15", search);
    await answered(app, "a dog after:2015");
    // A place that is not known says so, and old photos do not pass for its answer.
    await typeAnew(app, "in:Lisbx");
    await app.until("no such place", `return document.querySelector('[data-testid="empty"]')?.textContent.includes("No place or folder called “Lisbx”")`);
    assert.equal(await app.count(cell), 0);
    assert.equal(await alerts(), 0);
  });
});
