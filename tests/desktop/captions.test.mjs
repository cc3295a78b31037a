/** Captions in the built app: of a photo of which the model is not sure one sees tags and no sentence. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { addFolders, call, cell, idle, library, looks, noSeriousViolations, root, skip } from "./harness.mjs";
import { KEYS, until } from "./webdriver.mjs";

const text = '[data-testid="caption-text"]';
const sentence = /dog|floor/i;
const noFilters = { after: null, before: null, camera: null, lens: null, rating: null, place: null, folder: null, format: null, album: null };

describe("a person who lets photos be described", { skip }, () => {
  const place = library();
  const photos = join(place.folder, "photos");
  let app;
  before(async () => {
    for (const folder of [looks, photos]) mkdirSync(folder, { recursive: true });
    for (const name of ["coffee.png", "kitten.webp", "shepherd.webp"]) copyFileSync(join(root, "assets/samples", name), join(photos, name));
    app = await place.start();
    await app.resize(1200, 900);
    await addFolders(app, photos);
    await app.find(cell);
    await until("all are searchable", async () => (await call(app, "overview", null)).searchable === 3, 120);
    await idle(app);
  });
  after(async () => {
    await app?.kill();
    place.remove();
  });

  /** Opens a photo by its name. */
  async function open(name) {
    const { ids } = await call(app, "photos", { filters: noFilters, sort: "newest" });
    for (const photo of ids) {
      if ((await call(app, "photo", { photo })).name === name) {
        await app.doubleClick(`${cell}[data-photo="${photo}"]`);
        await app.find('[data-testid="caption-describe"]');
        return photo;
      }
    }
    throw new Error(`${name} is not in the library`);
  }

  it("sees what the model is sure of, and no sentence about a dog on the floor", async () => {
    const photo = await open("coffee.png");
    await app.click('[data-testid="caption-describe"]');
    await app.find('[data-testid="caption-unsure"]');
    const shown = await app.run(`return document.querySelector('${text}').textContent`);
    assert.match(shown, /Not sure/);
    assert.doesNotMatch(shown, sentence);
    for (const absent of ["caption-accept", "caption-copy", "caption-write-out"]) {
      assert.equal(await app.run(`return document.querySelector('[data-testid="${absent}"]')`), null, absent);
    }
    const { current, unsure } = await call(app, "caption", { photo });
    assert.equal(current, null);
    assert.equal(typeof unsure.guess, "string");
    await noSeriousViolations(app, "not sure");
    await app.screenshot(join(looks, "not-sure.png"));
  });

  it("finds it by no word of the guess, and sees the guess only when that is asked for", async () => {
    const { photo, unsure } = await current();
    await app.click('[data-testid="caption-show-guess"]');
    await app.until("the guess", `return document.querySelector('[data-testid="caption-guess"]')?.textContent === ${JSON.stringify(unsure.guess)}`);
    await noSeriousViolations(app, "a guess");
    await app.click('[data-testid="caption-show-guess"]');
    await app.until("the guess is away", `return document.querySelector('[data-testid="caption-guess"]') === null`);
    const answer = await call(app, "search", { query: unsure.guess.replace(".", ""), filters: noFilters, sort: "match", limit: 100 });
    assert.ok(![...answer.strong, ...answer.possible].includes(photo), JSON.stringify(answer));
    assert.ok(!existsSync(join(photos, "coffee.png.xmp")));
  });

  it("writes one's own in its place", async () => {
    await app.click('[data-testid="caption-edit"]');
    await app.find('[data-testid="caption-field"]');
    await app.type("An espresso in a brown cup", '[data-testid="caption-field"]');
    await app.click('[data-testid="caption-save"]');
    await app.until("one's own caption", `return document.querySelector('${text}')?.textContent.includes("espresso") === true`);
    assert.equal(await app.run(`return document.querySelector('[data-testid="caption-unsure"]')`), null);
    await app.type(KEYS.escape);
    await app.until("the viewer is closed", `return document.querySelector('[data-testid="lightbox"]') === null`);
  });

  it("sees the tags of a kitten, and the sentence about a dog that is one", async () => {
    await open("kitten.webp");
    await app.click('[data-testid="caption-describe"]');
    await app.until("what is sure", `return document.querySelector('[data-testid="caption-unsure"]')?.textContent.startsWith("Not sure. Seen: cat") === true`);
    await app.type(KEYS.escape);
    await app.until("the viewer is closed", `return document.querySelector('[data-testid="lightbox"]') === null`);
    await open("shepherd.webp");
    await app.click('[data-testid="caption-describe"]');
    await app.until("a caption", `return document.querySelector('${text}')?.textContent.includes("dog") === true`);
    await app.type(KEYS.escape);
  });

  async function current() {
    const photo = await app.run(`return Number(document.querySelector('[data-testid="lightbox"]').dataset.photo)`);
    return call(app, "caption", { photo });
  }
});
