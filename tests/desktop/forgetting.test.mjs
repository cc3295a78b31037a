/** The built app while something is forgotten: asked before, told what is kept, and nothing left on disk. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { addFolder, call, cell, idle, library, looks, noSeriousViolations, root, samples, skip } from "./harness.mjs";

const MARK = "SECRETMARK";
const none = { photos: [], folder: null, missing: false, searches: false };

/** Every file below a folder. */
const files = (folder) =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });

describe("forgetting", { skip }, () => {
  let place;
  let app;
  const photos = () => join(place.folder, "photos");
  /** Where the app writes, but for the photos themselves. */
  const found = (bytes) =>
    ["library", "share"].flatMap((name) => files(join(place.folder, name))).filter((path) => readFileSync(path).includes(bytes));

  before(async () => {
    place = library();
    mkdirSync(join(photos(), "sub"), { recursive: true });
    for (const name of samples.slice(0, 12)) copyFileSync(join(root, "assets/samples", name), join(photos(), name));
    copyFileSync(join(root, "assets/samples/lock.jpg"), join(photos(), `sub/${MARK}.jpg`));
    app = await place.start();
    await app.resize(1200, 800);
    await app.find('[data-testid="first-run"]');
    await addFolder(app, photos());
  });
  after(async () => {
    await app?.kill();
    place.remove();
  });

  const secret = async () => {
    const filters = { after: null, before: null, camera: null, lens: null, rating: null, place: null, folder: null, format: null, album: null };
    const { ids } = await call(app, "photos", { filters, sort: "newest" });
    for (const id of ids) if ((await call(app, "photo", { photo: id })).paths.some((path) => path.includes(MARK))) return id;
    return null;
  };
  const confirmed = async () => {
    await app.find('[data-testid="forget-dialog"]');
    await app.click('[data-testid="forget-confirm"]');
    await app.until("the question is gone", `return document.querySelector('[data-testid="forget-dialog"]') === null`);
    await app.until("it is said to be done", `return [...document.querySelectorAll(".toast, [role=status]")].some((toast) => toast.textContent.includes("Forgotten"))`);
    await idle(app);
  };

  it("of a photo begins in its menu, asks, and leaves nothing of it on disk", async () => {
    const id = await secret();
    assert.notEqual(id, null);
    assert.ok(found(Buffer.from(MARK)).length > 0, "the test sees what is there");
    const before = (await call(app, "overview", null)).photos;
    await app.run(
      `const shown = document.querySelector('${cell}[data-photo="${id}"], [role="option"][data-photo="${id}"]');
       const { left, top } = shown.getBoundingClientRect();
       shown.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true, clientX: left + 20, clientY: top + 20 }));
       return true;`,
    );
    await app.find('[data-testid="photo-menu"]');
    await app.run(
      `[...document.querySelectorAll('[data-testid="photo-menu"] [role="menuitem"]')].find((item) => item.textContent.includes("Forget now")).click(); return true;`,
    );
    await app.find('[data-testid="forget-dialog"]');
    await noSeriousViolations(app, "the question");
    await app.screenshot?.(join(looks, "forget.png"));
    await confirmed();
    assert.equal((await call(app, "overview", null)).photos, before - 1);
    assert.deepEqual(found(Buffer.from(MARK)), []);
    // The watch and a look at everything do not bring it back.
    await call(app, "rescan", { retry_problems: true });
    await idle(app);
    assert.equal(await secret(), null);
    assert.deepEqual(found(Buffer.from(MARK)), []);
  });

  it("of searches takes those from the list and from the disk", async () => {
    const settings = await call(app, "settings", null);
    await call(app, "save_settings", { ...settings, recent_searches: [`${MARK} dog`] });
    await app.run("location.reload(); return true").catch(() => {});
    await app.click('[data-testid="settings"]');
    await app.until("it is counted", `return document.querySelector('[data-testid="searches-remembered"]')?.textContent.includes("1 search")`);
    await app.click('[data-testid="forget-searches"]');
    await confirmed();
    assert.deepEqual((await call(app, "settings", null)).recent_searches, []);
    assert.deepEqual(found(Buffer.from(MARK)), []);
  });

  it("is taken back in Settings for what is to come in again", async () => {
    await app.click('[data-testid="settings"]');
    await app.find('[data-testid="kept-out"]');
    await noSeriousViolations(app, "Settings");
    await app.click('[data-testid="let-in"]');
    await app.until("nothing is kept out", `return document.querySelector('[data-testid="kept-out"]') === null`);
    await call(app, "rescan", { retry_problems: false });
    await idle(app);
    assert.notEqual(await secret(), null);
  });

  it("of a folder takes it off the library", async () => {
    await app.click('[data-testid="folder-menu"]');
    await app.click('[data-testid="forget-folder"]');
    await confirmed();
    const overview = await call(app, "overview", null);
    assert.deepEqual([overview.photos, overview.folders.length], [0, 0]);
    assert.deepEqual(found(Buffer.from(photos())), []);
    await assert.rejects(call(app, "forget", { ...none, folder: 1 }));
  });

  it("leaves Settings within reach of an empty library", async () => {
    await app.find('[data-testid="first-run"]');
    await noSeriousViolations(app, "the first page");
    await app.click('[data-testid="first-settings"]');
    await app.find('[data-testid="settings-view"]');
  });
});
