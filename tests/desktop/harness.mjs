/** What the tests of the built app share: a library of their own, the app on it, and checks of what is shown. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { App } from "./webdriver.mjs";

export const root = resolve(import.meta.dirname, "../..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
export const binary = join(target, "release/sightline-desktop");
// To be looked at; not for the documentation, as some show photos that are not the project's own.
export const looks = join(target, "screenshots");
// `npm run screenshots` puts them into the documentation.
export const shots = process.env.SCREENSHOTS === undefined ? looks : join(root, "docs/screenshots");
const missing = ["WebKitWebDriver", "dbus-run-session"].filter((tool) => {
  try {
    execFileSync("which", [tool]);
    return false;
  } catch {
    return true;
  }
});
export const skip = missing.length > 0 || process.env.DISPLAY === undefined ? `SKIPPED: no ${missing.join(", ") || "display"}` : false;
if (skip) console.log(skip);

const axe = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");
export const cell = '[data-testid="photo-cell"]';
export const samples = readdirSync(join(root, "assets/samples")).filter((name) => /\.(jpg|jpeg|png|webp)$/.test(name));

/** A new library, in a folder that goes when the tests are over. */
export function library() {
  const folder = mkdtempSync(join(tmpdir(), "sightline-"));
  return {
    folder,
    /** `environment` is added to the app's. */
    start: (environment = {}) =>
      App.start(binary, { SIGHTLINE_LIBRARY: join(folder, "library"), XDG_DATA_HOME: join(folder, "share"), LANG: "en_US.UTF-8", ...environment }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Waits until no job is under way. */
export const idle = (app) => app.until("no job is under way", "return document.querySelector('[data-testid=\"job-strip\"]') === null");

/** Calls a command of the app's list. */
export const call = (app, name, request) =>
  app.run(`return window.__TAURI_INTERNALS__.invoke("call", { name: arguments[0], request: arguments[1] })`, name, request);

/** What a person chooses for a command, as the page is given it: a grant for one use. */
export async function chosen(app, purpose, ...paths) {
  await app.answer(...paths);
  return (await call(app, "choose", { purpose, title: "Choose", name: null })).grant;
}

/** Adds folders that a person chooses; gives the job, which is under way. */
export const addFolders = async (app, ...paths) => call(app, "add_folders", { folders: await chosen(app, "add_folders", ...paths) });

/** Waits until the pictures that match are loaded. */
export const pictures = (app, css) =>
  app.until(
    `the pictures of ${css}`,
    `const near = [...document.querySelectorAll(arguments[0])].filter((i) => i.getBoundingClientRect().top < innerHeight && i.getBoundingClientRect().bottom > 0);
     return near.length > 0 && near.every((i) => i.complete && i.naturalWidth > 0)`,
    css,
  );

/** Chooses a value of one of the window's own lists, with the mouse. */
export async function choose(app, testid, value) {
  await app.click(`[data-testid="${testid}"]`);
  await app.click(`.select:has(> [data-testid="${testid}"]) [role="option"][data-value="${value}"]`);
  await app.until(`${testid} is ${value}`, `return document.querySelector('[data-testid="${testid}"]')?.dataset.value === ${JSON.stringify(value)}`);
}

/** Fails where the page is hard to use without mouse or eyes. */
export async function noSeriousViolations(app, where) {
  await app.run(`if (window.axe === undefined) { ${axe} } return true`);
  const found = await app.run(
    `const { violations } = await axe.run(document, { resultTypes: ["violations"] });
     return violations.filter((v) => v.impact === "serious" || v.impact === "critical")
       .map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; "));`,
  );
  assert.deepEqual(found, [], where);
}

/** Reads the page anew, and waits until that has happened. */
export async function reload(app) {
  await app.run("window.before = true; location.reload(); return true").catch(() => {});
  await app.until("the page is read anew", `return window.before === undefined && document.querySelector('[data-testid="duplicates"]') !== null`);
}

/** Adds a folder and waits until its photos are there and nothing is under way. */
export async function addFolder(app, path) {
  await addFolders(app, path);
  await app.find(cell);
  await idle(app);
}
