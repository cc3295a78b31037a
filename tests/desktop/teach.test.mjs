/**
 * The Teach panel of the built app: from albums to a search that uses them, and back.
 *
 * With `../shared` the albums are of clothes; elsewhere of the samples.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";

import { addFolders, call, cell, idle, library, looks, noSeriousViolations, pictures, reload, root, samples, skip } from "./harness.mjs";
import { until } from "./webdriver.mjs";

const clothes = resolve(root, "../shared/data/albums/clothing");
/** File names by album; the last of each is left for the suggestions to find. */
const albums = existsSync(clothes)
  ? ["dress", "hat", "pants", "shoes"].map((name) => ({
      name,
      files: readdirSync(join(clothes, name)).sort().slice(0, 30).map((file) => join(clothes, name, file)),
    }))
  : [
      { name: "animals", of: /lock|chelsea|kitten|panda|macaw|horses|holstein|hens|giraffes|shepherd/ },
      { name: "buildings", of: /china|eiffel|giza|leuven|gateway-of-india|machu-picchu|churchill|boats/ },
    ].map(({ name, of }) => ({ name, files: samples.filter((file) => of.test(file)).map((file) => join(root, "assets/samples", file)) }));

describe("a person who teaches albums", { skip }, () => {
  const place = library();
  const photos = join(place.folder, "photos");
  let app;
  before(async () => {
    mkdirSync(looks, { recursive: true });
    mkdirSync(photos);
    for (const { name, files } of albums) {
      files.forEach((file, index) => copyFileSync(file, join(photos, `${name.replace(" ", "_")}-${index}.${file.split(".").at(-1)}`)));
    }
    app = await place.start();
    await app.resize(1200, 800);
    await addFolders(app, photos);
    await app.find(cell);
    await until("all are searchable", async () => {
      const { searchable } = await call(app, "overview", null);
      return searchable === albums.reduce((sum, { files }) => sum + files.length, 0);
    }, 120);
    await idle(app);
  });
  after(async () => {
    await app?.kill();
    place.remove();
  });

  it("is told to make albums first", async () => {
    await app.click('[data-testid="teach"]');
    await app.find('[data-testid="teach-view"]');
    await noSeriousViolations(app, "Teach without albums");
    assert.equal(await app.run(`return document.querySelectorAll('[data-testid="teach-album"]').length`), 0);
  });

  it("sees what there is to learn, and watches it being learned", async () => {
    const filters = { after: null, before: null, camera: null, lens: null, rating: null, place: null, folder: null, format: null, album: null };
    const { ids } = await call(app, "photos", { filters, sort: "newest" });
    const details = [];
    for (const photo of ids) details.push({ photo, name: (await call(app, "photo", { photo })).name });
    for (const { name } of albums) {
      const own = details.filter((photo) => photo.name.startsWith(`${name}-`)).map(({ photo }) => photo);
      // One in five is left for the app to find.
      await call(app, "create_album", { name, photos: own.filter((_, index) => index % 5 !== 4) });
    }
    await reload(app);
    await app.click('[data-testid="teach"]');
    await app.find('[data-testid="teach-plan"]');
    await pictures(app, ".albums img");
    await noSeriousViolations(app, "Teach");
    await app.screenshot(join(looks, "teach.png"));
    await app.click('[data-testid="teach-start"]');
    await app.find('[data-testid="teach-running"]');
    await app.find('[data-testid="teach-report"]');
    await noSeriousViolations(app, "the report");
    const { after, held_out } = await call(app, "teach_report", { version: (await call(app, "versions", null)).at(-1).id });
    // The score interval (Wilson), in percent: never a point, however few photos were kept back.
    const [share, z] = [after.percent / 100, 1.959964];
    const spread = z * Math.sqrt((share * (1 - share)) / held_out + (z * z) / (4 * held_out * held_out));
    const [low, high] = [-spread, spread].map((by) => (100 * (share + (z * z) / (2 * held_out) + by)) / (1 + (z * z) / held_out));
    assert.ok(Math.abs(after.low - low) < 0.02 && Math.abs(after.high - high) < 0.02, `${after.low} to ${after.high}, not ${low} to ${high}`);
    assert.match(await app.text('[data-testid="teach-report"]'), new RegExp(`${after.percent.toFixed(0)}% \\(${after.low.toFixed(0)} to ${after.high.toFixed(0)}\\)`));
    await pictures(app, ".report img");
    await app.screenshot(join(looks, "teach-report.png"));
  });

  it("uses it, answers with one key, and goes back", async () => {
    await app.click('[data-testid="use-version"]');
    await app.find('[data-testid="asked-photo"]');
    await app.run(`document.querySelector('[data-testid="suggestions"]').scrollIntoView(); return true`);
    await pictures(app, '[data-testid="suggestions"] img');
    await noSeriousViolations(app, "suggestions");
    await app.screenshot(join(looks, "suggestions.png"));
    const before = await call(app, "suggestions", { label: null, limit: 1000 });
    assert.ok(before.photos.length > 0, "photos that were left out are suggested");
    const [first] = before.photos;
    const counted = () => app.run(`return Number([...document.querySelectorAll('[data-testid="album"]')].find((album) => album.querySelector(".name").textContent === arguments[0]).querySelector(".count").textContent)`, first.label);
    const photos = await counted();
    await app.run("document.activeElement?.blur(); return true");
    await app.type("y");
    await until("the album counts it", async () => (await counted()) === photos + 1, 5);
    await until("the photo is in the album", async () => {
      const left = await call(app, "suggestions", { label: null, limit: 1000 });
      return left.photos.length === before.photos.length - 1 && left.photos.every(({ photo }) => photo !== first.photo);
    });
    await app.type("z");
    await until("the album counts it no more", async () => (await counted()) === photos, 5);
    await until("it is asked about again", async () => (await call(app, "suggestions", { label: null, limit: 1000 })).photos.length === before.photos.length);
    await app.until("no message covers the button", `document.querySelectorAll('[data-testid="toast"] button').forEach((b) => b.click()); return document.querySelector('[data-testid="toast"]') === null`);
    await app.click('[data-testid="go-back"]');
    await until("the model is as it came", async () => (await call(app, "versions", null)).every(({ active }) => !active));
  });
});
