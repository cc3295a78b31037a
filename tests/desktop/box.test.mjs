/** The one box and the hand, in the built app: chips, completion, rubber band, zoom, full screen, the trash and back. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { addFolders, call, cell, idle, library, looks, noSeriousViolations, root, samples, skip } from "./harness.mjs";
import { KEYS, RIGHT, until } from "./webdriver.mjs";

const search = '[data-testid="search-input"]';
const summary = '[data-testid="summary"]';
const menu = '[data-testid="photo-menu"]';
const viewer = '[data-testid="lightbox"]';
const chip = '[data-testid="meaning"]';
const photos = samples.filter((name) => name.endsWith(".jpg")).slice(0, 12);

const sidecar = (date) =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" exif:DateTimeOriginal="${date}" photoshop:DateCreated="${date}"/></rdf:RDF></x:xmpmeta>`;

const count = (app) => app.run(`return Number(document.querySelector('${cell}')?.getAttribute("aria-setsize") ?? 0)`);
const selected = (app) => app.run(`return [...document.querySelectorAll('${cell}[aria-selected="true"]')].map((cell) => Number(cell.ariaPosInSet))`);
const answered = (app, query) =>
  app.until(
    `an answer to ${query}`,
    `const { dataset, ariaBusy } = document.querySelector('${summary}') ?? { dataset: {} };
     return ariaBusy === "false" && dataset.answered === ${JSON.stringify(query)}`,
  );

async function typeAnew(app, words) {
  await app.run("document.getElementById('search-input').focus(); document.getElementById('search-input').select()");
  await app.type(words, search);
}

async function allPhotos(app, total = photos.length) {
  await app.press('[data-testid="sidebar"] .entry');
  await app.until("all photos", `return document.querySelector('${summary}')?.textContent.startsWith("${total} ")`);
}

describe("the one box in the built app", { skip }, () => {
  const place = library();
  const folder = join(place.folder, "photos");
  let app;
  before(async () => {
    mkdirSync(looks, { recursive: true });
    mkdirSync(join(folder, "Lofoten"), { recursive: true });
    photos.forEach((name, index) => {
      const to = index < 4 ? join(folder, "Lofoten", name) : index === 5 ? join(folder, "IMG_2834.jpg") : join(folder, name);
      copyFileSync(join(root, "assets/samples", name), to);
      writeFileSync(`${to}.xmp`, sidecar(index % 3 === 0 ? "2015-07-04T12:00:00" : "2019-11-02T12:00:00"));
    });
    // A trash of its own, which nobody else has.
    app = await place.start({ HOME: place.folder });
    await app.resize(1200, 800);
    await app.find('[data-testid="first-run"]');
    await addFolders(app, folder);
    await app.find(cell);
    await until("all are searchable", async () => (await call(app, "overview", null)).searchable === photos.length, 240);
    await idle(app);
    await allPhotos(app);
  });
  after(async () => {
    await app?.kill();
    place.remove();
  });

  it("understands dates, folders and file names, and gives words back", async () => {
    await typeAnew(app, "summer 2015");
    await answered(app, "summer 2015");
    assert.equal(await count(app), 4, "every third photo");
    assert.equal(await app.text(chip), "June 2015 to August 2015");
    await noSeriousViolations(app, "chips of what was understood");
    await app.screenshot(join(looks, "understood.png"));
    await app.press(chip);
    await app.until("the words are words", `return document.querySelector('${chip}') === null && document.querySelector('${summary}').ariaBusy === "false"`);
    assert.equal(await app.run(`return document.querySelector('${search}').value`), "summer 2015");
    await typeAnew(app, "Lofoten 2019");
    await answered(app, "Lofoten 2019");
    assert.equal(await app.count(chip), 2);
    assert.equal(await count(app), 2, "of four photos in the folder two are of 2015, and two of 2019: a sidecar goes before the camera");
    await typeAnew(app, "IMG_2834");
    await answered(app, "IMG_2834");
    assert.equal(await count(app), 1);
    await typeAnew(app, "spring flowers");
    await answered(app, "spring flowers");
    assert.equal(await app.count(chip), 0, "these are what a photo shows");
  });

  it("completes filters with keys, and remembers what was found without Enter", async () => {
    await typeAnew(app, "in:pho");
    await app.find('[data-testid="completions"]');
    await noSeriousViolations(app, "completions");
    await app.screenshot(join(looks, "completions.png"));
    await app.type(KEYS.down + KEYS.enter);
    await answered(app, "in:photos");
    assert.equal(await count(app), photos.length);
    await typeAnew(app, "2015");
    await answered(app, "2015");
    await until("it is remembered", async () => (await call(app, "settings", null)).recent_searches[0] === "2015", 20);
  });

  it("selects with a rubber band, and has a menu for the room between photos", async () => {
    await allPhotos(app);
    const grid = '[data-testid="grid"]';
    const [left, top, width] = await app.run(
      `const first = document.querySelector('${cell}[aria-posinset="1"]').getBoundingClientRect(); return [first.left, first.top, first.width]`,
    );
    // From the edge over the first two photos.
    await app.pressAt({ x: Math.round(left - 8), y: Math.round(top + 20) }, { to: { x: Math.round(left + width * 1.5), y: Math.round(top + 60) } });
    assert.deepEqual(await selected(app), [1, 2]);
    await app.type(KEYS.escape);
    const half = await app.run(`return document.querySelector('${grid}').getBoundingClientRect().width / 2`);
    await app.press(grid, { button: RIGHT, x: 6 - Math.round(half) });
    await app.find(menu);
    assert.equal(await app.run(`return document.querySelector('${menu}').ariaLabel`), "Photos");
    await app.screenshot(join(looks, "menu-background.png"));
    await app.run(`[...document.querySelectorAll('${menu} [role="menuitem"]')].find((entry) => entry.textContent.includes("Select all")).setAttribute("data-pressed", "")`);
    await app.press(`${menu} [data-pressed]`);
    assert.match(await app.text('[data-testid="selection-bar"] strong'), new RegExp(`^${photos.length} `));
    await app.type(KEYS.escape);
  });

  it("shows how large a photo is, at its own size and to fit", async () => {
    await allPhotos(app);
    await app.press(`${cell}[aria-posinset="1"]`);
    await app.find(viewer);
    const zoom = '[data-testid="zoom"]';
    await app.until("it says how large", `return /^\\d+%$/.test(document.querySelector('${zoom}')?.textContent ?? "")`);
    const fitted = await app.text(zoom);
    await app.type("z");
    await app.until("its own size", `return document.querySelector('${zoom}').textContent === "100%"`);
    await app.type("0");
    await app.until("to fit", `return document.querySelector('${zoom}').textContent === ${JSON.stringify(fitted)}`);
    await noSeriousViolations(app, "the zoom");
    await app.screenshot(join(looks, "zoom.png"));
    await app.type(KEYS.escape);
    await app.until("the viewer is closed", `return document.querySelector('${viewer}') === null`);
  });

  it("moves a photo to the trash when the person says yes, and takes it back", async () => {
    await allPhotos(app);
    const photo = Number(await app.run(`return document.querySelector('${cell}[aria-posinset="2"]').dataset.photo`));
    const { paths } = await call(app, "photo", { photo });
    await app.run(`document.querySelector('${cell}[aria-posinset="2"]').focus()`);
    // Nobody answers: nothing goes.
    await app.type(KEYS.delete);
    await idle(app);
    assert.equal(await count(app), photos.length);
    await app.answer("yes");
    await app.type(KEYS.delete);
    await app.until("it is gone from the grid", `return document.querySelector('${summary}').textContent.startsWith("${photos.length - 1} ")`);
    assert.ok(!existsSync(paths[0]), "the file is in the trash");
    await app.screenshot(join(looks, "trashed.png"));
    await app.press('[data-testid="toast-action"]');
    await app.until("it is back", `return document.querySelector('${summary}').textContent.startsWith("${photos.length} ")`);
    assert.ok(existsSync(paths[0]) && existsSync(`${paths[0]}.xmp`), "with its sidecar");
  });
});
