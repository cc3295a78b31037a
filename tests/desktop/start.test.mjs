/** The built app on a library that does not open: a window says why, and what it offers works by mouse. */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";

import { addFolders, binary, cell, looks, noSeriousViolations, pictures, root, skip } from "./harness.mjs";
import { App } from "./webdriver.mjs";

const cli = join(dirname(binary), "sightline");
const summary = '[data-testid="summary"]';
const failure = '[data-testid="start-failure"]';
const names = ["lock.jpg", "coffee.png", "chelsea.png", "panda.webp"];

/** Whether a program runs without complaint. */
const runs = (program, ...args) => spawnSync(program, args, { stdio: "ignore" }).status === 0;

describe("a library that does not open", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "sightline-"));
  const [library, photos, sound] = ["library", "photos", "sound.sqlite"].map((name) => join(folder, name));
  const file = join(library, "catalogue.sqlite");
  let app;

  /** The library as it was, in one file. */
  function sightline(...args) {
    execFileSync(cli, ["--library", library, "--device", "cpu", ...args], { stdio: "ignore" });
  }

  const open = (program = binary) =>
    App.start(program, {
      SIGHTLINE_LIBRARY: library,
      XDG_DATA_HOME: join(folder, "share"),
      XDG_CONFIG_HOME: join(folder, "config"),
      LANG: "en_US.UTF-8",
    });

  /** Waits for the window that says why, and looks at it. */
  async function refused(kind) {
    await app.find(`${failure}[data-kind="${kind}"]`);
    assert.equal(await app.count(cell), 0);
    await noSeriousViolations(app, kind);
    await app.screenshot(join(looks, `start-${kind}.png`));
  }

  async function opened() {
    await app.until("all photos", `return document.querySelector('${summary}')?.textContent.startsWith("${names.length} ")`);
    await pictures(app, `${cell} img`);
    assert.equal(await app.count(failure), 0);
  }

  async function finds(words, count) {
    await app.type(words, '[data-testid="search-input"]');
    await app.until(
      `an answer to ${words}`,
      `const { dataset, ariaBusy } = document.querySelector('${summary}'); return ariaBusy === "false" && dataset.answered === ${JSON.stringify(words)}`,
    );
    assert.ok((await app.count(cell)) >= count);
  }

  before(() => {
    mkdirSync(looks, { recursive: true });
    mkdirSync(photos);
    names.forEach((name) => copyFileSync(join(root, "assets/samples", name), join(photos, name)));
    sightline("index", photos);
    sightline("backup", sound);
  });
  afterEach(async () => {
    await app?.kill();
    app = undefined;
    rmSync(library, { recursive: true, force: true });
    mkdirSync(library);
    copyFileSync(sound, file);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("is damaged: a window says so, and Repair brings the photos back", async () => {
    rmSync(library, { recursive: true });
    mkdirSync(library);
    const bytes = readFileSync(sound);
    bytes.fill(0, 0, 8192);
    writeFileSync(file, bytes);
    app = await open();
    await refused("damaged");
    assert.match(await app.text(`${failure} h1`), /damaged/);
    await app.click('[data-testid="start-repair"]');
    await opened();
    const kept = (await app.text('[data-testid="start-notice"]')).match(/\/\S*catalogue\.sqlite\S*/)?.[0];
    assert.deepEqual(readFileSync(kept), bytes, "what was there is kept");
    await finds("golden retriever", 1);
  });

  it("is damaged: a backup takes its place", async () => {
    writeFileSync(file, "Dear diary");
    app = await open();
    await refused("damaged");
    const restore = async (backup) => {
      await app.answer(backup);
      await app.click('[data-testid="start-restore"]');
    };
    await restore(join(photos, "lock.jpg"));
    await app.until("it says why not", `return document.querySelector('[data-testid="toast"]')?.textContent.includes("lock.jpg")`);
    await refused("damaged");
    await restore(sound);
    await opened();
  });

  it("was made by a newer Sightline: it is left as it is, and opens once it can be read", async () => {
    const bytes = readFileSync(sound);
    bytes.writeUInt32BE(99, 60);
    writeFileSync(file, bytes);
    app = await open();
    await refused("newer");
    assert.equal(await app.count('[data-testid="start-repair"]'), 0);
    await app.click('[data-testid="start-retry"]');
    await app.until("it was tried", `return document.querySelector('${failure}')?.ariaBusy === "false"`);
    await refused("newer");
    assert.deepEqual(readFileSync(file), bytes);
    copyFileSync(sound, file);
    await app.click('[data-testid="start-retry"]');
    await opened();
  });

  it("is kept by another program: it opens when that is done", async (t) => {
    if (!runs("sqlite3", "-version")) return t.skip("SKIPPED: no sqlite3 to hold a library with");
    const holder = spawn("sqlite3", [file], { stdio: ["pipe", "pipe", "ignore"] });
    holder.stdin.write("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 'held';\n");
    await new Promise((resolve) => holder.stdout.on("data", (data) => String(data).includes("held") && resolve()));
    app = await open();
    await refused("locked");
    const ended = new Promise((resolve) => holder.once("exit", resolve));
    holder.kill("SIGKILL");
    await ended;
    await app.click('[data-testid="start-retry"]');
    await opened();
  });

  it("is read-only: it opens to be searched and looked at, and says so for as long as it is open", async (t) => {
    const mount = `mount --bind "${library}" "${library}" && mount -o remount,bind,ro "${library}"`;
    if (!runs("unshare", "-m", "sh", "-c", mount)) return t.skip("SKIPPED: this user cannot mount");
    const program = join(folder, "on-a-read-only-disk");
    writeFileSync(program, `#!/bin/sh\nexec unshare -m sh -c '${mount} && exec "$0" "$@"' "${binary}" "$@"\n`);
    chmodSync(program, 0o755);
    app = await open(program);
    await refused("read_only");
    await app.click('[data-testid="start-read_only"]');
    await opened();
    await finds("golden retriever", 1);
    const notice = '[data-testid="read-only"]';
    assert.match(await app.text(notice), /read-only/);
    await noSeriousViolations(app, "read-only");
    await app.screenshot(join(looks, "read-only.png"));
    await app.click('[data-testid="new-album"]');
    await app.type("Rex", '[data-testid="album-name"]');
    await app.click('[data-testid="album-save"]');
    await app.until("it says why not", `return document.body.textContent.includes("open read-only, so nothing can be changed")`);
    await assert.rejects(addFolders(app, photos));
    assert.equal(await app.count(notice), 1);
    assert.equal(await app.count('[data-testid="job-strip"]'), 0);
  });
});
