/** The Duplicates panel of the built app: found, gone through with keys, moved to the trash of the test's own, and back. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { addFolders, call, cell, idle, library, looks, noSeriousViolations, pictures, reload, root, shots, skip } from "./harness.mjs";
import { until } from "./webdriver.mjs";

/** Reads the page anew and waits until it is there. */
describe("a person with duplicates", { skip }, () => {
  const place = library();
  const photos = join(place.folder, "photos");
  const copy = join(photos, "Downloads", "boats.jpg");
  let app;
  before(async () => {
    for (const folder of [looks, shots]) mkdirSync(folder, { recursive: true });
    mkdirSync(join(photos, "Downloads"), { recursive: true });
    for (const name of ["boats.jpg", "beach.jpg", "desk.jpg"]) copyFileSync(join(root, "assets/samples", name), join(photos, name));
    for (const name of ["boats.jpg", "beach.jpg"]) copyFileSync(join(root, "assets/samples", name), join(photos, "Downloads", name));
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

  it("finds them, side by side with what sets them apart", async () => {
    await app.click('[data-testid="duplicates"]');
    await app.find('[data-testid="duplicates-view"]');
    await noSeriousViolations(app, "Duplicates before a search");
    await app.click('[data-testid="find-duplicates"]');
    await app.find('[data-testid="duplicate-group"]');
    await pictures(app, '[data-testid="duplicates-view"] img');
    assert.equal(await app.run(`return document.querySelectorAll('[data-testid="duplicate-file"]').length`), 2);
    await noSeriousViolations(app, "Duplicates");
    await app.screenshot(join(shots, "duplicates.png"));
  });

  it("is clear in the dark and in Chinese", async () => {
    const settings = await call(app, "settings", null);
    await call(app, "save_settings", { ...settings, theme: "dark", language: "zh" });
    await reload(app);
    await app.click('[data-testid="duplicates"]');
    await app.find('[data-testid="duplicate-group"]');
    await pictures(app, '[data-testid="duplicates-view"] img');
    await noSeriousViolations(app, "Duplicates, dark");
    await app.screenshot(join(looks, "duplicates-dark-chinese.png"));
    await call(app, "save_settings", settings);
    await reload(app);
    await app.click('[data-testid="duplicates"]');
    await app.find('[data-testid="duplicate-group"]');
  });

  it("goes through them with keys, and moves nothing before it is confirmed", async () => {
    const { groups } = await call(app, "duplicates", { limit: 10 });
    assert.equal(groups.length, 2);
    const at = groups.findIndex((group) => group.files[0].name === "boats.jpg");
    await app.run("document.activeElement?.blur(); return true");
    for (let step = 0; step < at; step += 1) await app.type("s");
    await app.type("k");
    await app.click('[data-testid="move-to-trash"]');
    await app.find('[data-testid="confirm-trash"]');
    await noSeriousViolations(app, "the question before the trash");
    await app.screenshot(join(looks, "duplicates-confirm.png"));
    assert.ok(existsSync(copy));
    await app.click('[data-testid="confirm-trash"]');
    await until("the copy is in the trash", () => !existsSync(copy) && existsSync(join(place.folder, "share/Trash/files/boats.jpg")));
    assert.ok(existsSync(join(photos, "boats.jpg")));
    await until("the group is gone", async () => (await call(app, "duplicates", { limit: 10 })).count === 1);
  });

  it("takes them back out of the trash", async () => {
    await app.click('[data-testid="undo-trash"]');
    await until("the copy is back", () => existsSync(copy));
    await until("the group is back", async () => (await call(app, "duplicates", { limit: 10 })).count === 2);
  });

  it("remembers what are no duplicates, and takes that back", async () => {
    await app.run("document.activeElement?.blur(); return true");
    await app.type("n");
    await until("one is left", async () => (await call(app, "duplicates", { limit: 10 })).count === 1);
    await app.type("z");
    await until("both are back", async () => (await call(app, "duplicates", { limit: 10 })).count === 2);
  });
});
