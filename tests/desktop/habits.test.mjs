/** The habits of a hand: what mouse and keys do in every program, done in the built app. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { addFolders, call, cell, choose, idle, library, looks, noSeriousViolations, pictures, root, samples, skip } from "./harness.mjs";
import { KEYS, RIGHT, until } from "./webdriver.mjs";

const summary = '[data-testid="summary"]';
const menu = '[data-testid="photo-menu"]';
const viewer = '[data-testid="lightbox"]';
const photos = samples.filter((name) => name.endsWith(".jpg"));
const none = { after: null, before: null, camera: null, lens: null, rating: null, place: null, folder: null, format: null, album: null };
/** Years of the photos, by turns; a sidecar beside each says so. */
const years = [2009, 2015, 2019, 2021];

const sidecar = (date) =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" exif:DateTimeOriginal="${date}" photoshop:DateCreated="${date}"/></rdf:RDF></x:xmpmeta>`;

/** Numbers of the cells that are selected, in the order of the grid. */
const selected = (app) => app.run(`return [...document.querySelectorAll('${cell}[aria-selected="true"]')].map((cell) => Number(cell.ariaPosInSet))`);
const at = (position) => `${cell}[aria-posinset="${position}"]`;
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const entries = (app) => app.run(`return [...document.querySelectorAll('${menu} [role="menuitem"] .name')].map((name) => name.textContent)`);
const focused = (app) => app.run("return document.activeElement?.ariaPosInSet ?? document.activeElement?.textContent.trim() ?? null");

/** Presses the entry of the open menu that has these words. */
async function pressEntry(app, words) {
  await app.until(`the entry ${words}`, `const entry = [...document.querySelectorAll('${menu} [role="menuitem"]')].find((entry) => entry.textContent.includes(arguments[0])); entry?.setAttribute("data-pressed", ""); return entry !== undefined`, words);
  await app.press(`${menu} [data-pressed]`);
}

/** Remembers every menu that is asked for from now on, and whether the webview's own was kept away. */
const watchMenus = (app) =>
  app.run(
    `window.menus = [];
     addEventListener("contextmenu", (event) => setTimeout(() => menus.push([event.target.dataset?.testid ?? event.target.localName, event.defaultPrevented])), true)`,
  );

async function allPhotos(app) {
  await app.press('[data-testid="sidebar"] .entry');
  await app.until("all photos", `return document.querySelector('${summary}')?.textContent.startsWith("${photos.length} ")`);
  await app.until("nothing is selected", `return document.querySelector('[data-testid="selection-bar"]') === null`);
  await app.run(`document.querySelector('[data-testid="grid"]').scrollTop = 0`);
  await app.find(at(1));
}

describe("a hand in the built app", { skip }, () => {
  const place = library();
  const folder = join(place.folder, "photos");
  let app;
  /** A photo with a caption. */
  let described;
  before(async () => {
    mkdirSync(looks, { recursive: true });
    mkdirSync(folder);
    photos.forEach((name, index) => {
      const month = String((index % 12) + 1).padStart(2, "0");
      copyFileSync(join(root, "assets/samples", name), join(folder, name));
      writeFileSync(join(folder, `${name}.xmp`), sidecar(`${years[index % years.length]}-${month}-01T12:00:00`));
    });
    app = await place.start();
    await app.resize(1100, 700);
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

  it("selects ranges of photos with shift, control and arrows", async () => {
    await app.press(at(2), { held: [KEYS.control] });
    assert.deepEqual(await selected(app), [2]);
    await app.press(at(7), { held: [KEYS.shift] });
    assert.deepEqual(await selected(app), range(2, 7), "forwards");
    await app.press(at(1), { held: [KEYS.shift] });
    assert.deepEqual(await selected(app), [1, 2], "back, from where the range began");
    await app.press(at(5), { held: [KEYS.control] });
    assert.deepEqual(await selected(app), [1, 2, 5], "one more");
    await app.press(at(7), { held: [KEYS.control, KEYS.shift] });
    assert.deepEqual(await selected(app), [1, 2, 5, 6, 7], "a range more");
    await app.press(at(6), { held: [KEYS.control] });
    assert.deepEqual(await selected(app), [1, 2, 5, 7], "one less");
    await app.press(at(3));
    assert.deepEqual(await selected(app), [3], "a press alone");
    await app.chord([KEYS.shift], KEYS.right, KEYS.right);
    assert.deepEqual(await selected(app), [3, 4, 5], "with arrows after a press");
    await app.chord([KEYS.shift], KEYS.left, KEYS.left, KEYS.left);
    assert.deepEqual(await selected(app), [2, 3]);
    assert.equal(await app.count(viewer), 0);
    await noSeriousViolations(app, "a selection");
    await app.screenshot(join(looks, "selection.png"));
  });

  it("selects a range whose beginning is scrolled out of sight", async () => {
    await app.press(at(2));
    assert.deepEqual(await selected(app), [2]);
    await app.run(`const grid = document.querySelector('[data-testid="grid"]'); grid.scrollTop = grid.scrollHeight`);
    await app.find(at(photos.length));
    await app.press(at(photos.length - 1), { held: [KEYS.shift] });
    assert.match(await app.text('[data-testid="selection-bar"] strong'), new RegExp(`^${photos.length - 2} `));
    await app.type(KEYS.escape);
    await app.until("nothing is selected", `return document.querySelector('[data-testid="selection-bar"]') === null`);
  });

  it("opens the menu with keys, goes through it and back", async () => {
    await allPhotos(app);
    await app.run(`document.querySelector('${at(4)}').focus()`);
    await app.chord([KEYS.shift], KEYS.f10);
    await app.find(menu);
    await app.until("the first entry has the keyboard", `return document.activeElement?.textContent.includes("Open the photo")`);
    await app.type(KEYS.down + KEYS.down + KEYS.right);
    await app.until("albums", `return document.querySelector('${menu}')?.textContent.includes("New album")`);
    await app.type(KEYS.left);
    await app.until("back", `return document.activeElement?.textContent.includes("Add to album")`);
    assert.notEqual(await app.run("return getComputedStyle(document.activeElement).backgroundColor"), "rgba(0, 0, 0, 0)", "one sees where the keyboard is");
    await app.type(KEYS.escape);
    await app.until("the photo has the keyboard", `return document.activeElement?.ariaPosInSet === "4"`);
    await app.chord([KEYS.shift], KEYS.f10);
    await app.find(menu);
    await app.type(KEYS.enter);
    await app.find(viewer);
    await app.chord([KEYS.shift], KEYS.f10);
    await app.find(menu);
    await noSeriousViolations(app, "the menu in the viewer");
    await app.screenshot(join(looks, "menu-viewer.png"));
    await app.type(KEYS.escape);
    await app.until("the viewer has the keyboard", `return document.querySelector('${menu}') === null && document.activeElement?.matches('${viewer}')`);
    await app.type(KEYS.escape);
    await app.until("the viewer is closed", `return document.querySelector('${viewer}') === null`);
  });

  it("shows the next photo without a black moment", async () => {
    await allPhotos(app);
    await app.press(at(1));
    await app.find(viewer);
    await app.until("the neighbours are loaded", `return [...document.querySelectorAll('${viewer} img.screen')].filter((i) => i.complete && i.naturalWidth > 500).length >= 2`);
    // What is on the screen is looked at in every frame; a frame shows nothing where no picture of the open photo has pixels.
    await app.run(
      `window.frames_ = []; window.watching = true;
       const look = () => {
         const open = document.querySelector('${viewer} .photo:not(.away)');
         const seen = [...(open?.querySelectorAll("img") ?? [])].filter((i) => i.complete && i.naturalWidth > 0 && i.getBoundingClientRect().width > 0);
         frames_.push([document.querySelector('${viewer}').dataset.photo, seen.some((i) => i.classList.contains("screen")) ? "picture" : seen.length > 0 ? "thumbnail" : "nothing"]);
         if (watching) requestAnimationFrame(look);
       };
       requestAnimationFrame(look); return true`,
    );
    await app.type(KEYS.right);
    await app.until("it is the second", `return document.querySelector('${viewer}').textContent.includes("Photo 2 of")`);
    const turned = await app.run("return frames_.slice()");
    assert.deepEqual([...new Set(turned.map(([, seen]) => seen))], ["picture"], "a neighbour is there at once");
    // As fast as a key that is held down.
    for (let times = 0; times < 8; times += 1) await app.type(KEYS.right);
    for (let times = 0; times < 8; times += 1) await app.type(KEYS.left);
    const seen = await app.run("watching = false; return frames_");
    const black = seen.filter(([, what]) => what === "nothing").length;
    assert.ok(seen.length >= 8, `${seen.length} frames were looked at`);
    assert.equal(black, 0, `${black} of ${seen.length} frames were black`);
    await app.screenshot(join(looks, "viewer.png"));
    await app.type(KEYS.escape);
    await app.until("the viewer is closed", `return document.querySelector('${viewer}') === null`);
  });

  it("selects no text of the page, but what is worth copying", async () => {
    const chosen = () => app.run("return getSelection().toString()");
    await app.drag('[data-testid="sidebar"] h2', summary);
    assert.equal(await chosen(), "");
    await app.drag(summary, '[data-testid="sidebar"] .bottom');
    assert.equal(await chosen(), "");
    await app.chord([KEYS.control], "a");
    assert.equal(await chosen(), "");
    await app.type(KEYS.escape);
    await app.press(at(1));
    await app.find(viewer);
    await app.type("i");
    await app.find('[data-testid="info-panel"] .path');
    await app.run(`document.querySelector('[data-testid="info-panel"] .path').scrollIntoView()`);
    const half = await app.run(`return document.querySelector('[data-testid="info-panel"] .path').getBoundingClientRect().width / 2 - 2`);
    await app.drag('[data-testid="info-panel"] .path', '[data-testid="info-panel"] .path', { fromX: -half, toX: half });
    assert.ok((await chosen()).length > 3, `"${await chosen()}" of a path`);
    await app.type("i");
    await app.type(KEYS.escape);
    await app.until("the viewer is closed", `return document.querySelector('${viewer}') === null`);
  });

  it("takes dates as they are typed, and years with one press", async () => {
    await allPhotos(app);
    await app.press('[data-testid="filters"]');
    const from = '[data-testid="date-first"]';
    const until_ = '[data-testid="date-last"]';
    const says = (field) => app.text(`${field.slice(0, -2)}-says"]`);
    await app.press(from);
    await app.type("06012015");
    await app.until("it is understood", `return document.querySelector('[data-testid="date-first-says"]').textContent.includes("June 1, 2015")`);
    await app.type(KEYS.tab);
    await app.type("2015");
    assert.match(await says(until_), /until December 31, 2015/);
    await app.type(KEYS.enter);
    const { ids } = await call(app, "photos", { filters: none, sort: "newest" });
    const taken = (await Promise.all(ids.map((photo) => call(app, "photo", { photo })))).map((photo) => photo.taken_at ?? "");
    const of2015 = taken.filter((date) => date.startsWith("2015"));
    const late = of2015.filter((date) => date >= "2015-06");
    assert.ok(late.length > 0 && late.length < of2015.length, `${late.length} of ${of2015.length} photos of 2015 are of its second half`);
    await app.until("photos from June to December 2015", `return document.querySelector('${summary}').textContent.startsWith("${late.length} ")`);
    await noSeriousViolations(app, "filters");
    await app.screenshot(join(looks, "filters.png"));
    await app.press(from);
    await app.chord([KEYS.control], "a");
    await app.type("31.31.2015" + KEYS.enter);
    await app.until("what is expected is said", `return document.querySelector('${from}').ariaInvalid === "true"`);
    assert.match(await says(from), /Type a year, a month or a day, such as 2015, 06\/2015, 06\/21\/2015/);
    await noSeriousViolations(app, "a date that is none");
    await app.screenshot(join(looks, "filters-wrong.png"));
    await app.run(`[...document.querySelectorAll('[data-testid="years"] button')].find((year) => year.textContent === "2015").setAttribute("data-pressed", "")`);
    await app.press('[data-testid="years"] [data-pressed]');
    await app.until("photos of 2015", `return document.querySelector('${summary}').textContent.startsWith("${of2015.length} ")`);
    assert.equal(await app.run(`return document.querySelector('${from}').value`), "2015");
    await choose(app, "filter-format", "jpeg");
    await app.until("photos of 2015, still", `return document.querySelector('${summary}').textContent.startsWith("${of2015.length} ")`);
    await app.run(`[...document.querySelectorAll(".form .button")].at(-1).setAttribute("data-pressed", "")`);
    await app.press(".form [data-pressed]");
    await app.until("all photos", `return document.querySelector('${summary}').textContent.startsWith("${photos.length} ")`);
    await app.type(KEYS.escape);
    await app.until("the panel is closed", `return document.querySelector('${from}') === null`);
  });

  it("has lists of values in the colours of the window", async () => {
    await app.press('[data-testid="settings"]');
    await choose(app, "theme", "dark");
    await app.press('[data-testid="theme"]');
    await app.find('[role="listbox"]');
    const colour = await app.run(`return getComputedStyle(document.querySelector('[role="listbox"]')).backgroundColor.match(/\\d+/g).map(Number)`);
    assert.ok(colour.every((value) => value < 80), `${colour} is dark`);
    assert.equal(await app.count("select"), 0);
    await noSeriousViolations(app, "a list of values, dark");
    await app.screenshot(join(looks, "select-dark.png"));
    await app.type(KEYS.escape);
    await choose(app, "language", "zh");
    await app.press('[data-testid="sidebar"] .entry');
    await app.press('[data-testid="filters"]');
    await app.find('[data-testid="years"]');
    await app.press('[data-testid="date-first"]');
    await app.type("2015年6月");
    await app.until("it is understood", `return document.querySelector('[data-testid="date-first-says"]').textContent.includes("2015年6月1日")`);
    await pictures(app, `${cell} img`);
    await noSeriousViolations(app, "filters, dark, Chinese");
    await app.screenshot(join(looks, "filters-dark-chinese.png"));
    await app.type(KEYS.escape);
    await allPhotos(app);
    await app.run(`document.querySelector('${at(2)}').focus()`);
    await app.chord([KEYS.shift], KEYS.f10);
    await app.find(menu);
    await noSeriousViolations(app, "the menu, dark, Chinese");
    await app.screenshot(join(looks, "menu-dark-chinese.png"));
    await app.type(KEYS.escape);
    await app.press('[data-testid="settings"]');
    await choose(app, "language", "en");
    await choose(app, "theme", "light");
  });

  it("finds every place of the sidebar where it was while work comes and goes", async () => {
    await allPhotos(app);
    await app.run(
      `const places = () => [...document.querySelectorAll('[data-testid="sidebar"] .entry')].map((entry) => [entry.textContent.trim().replace(/\\s*[\\d,]+$/, ""), Math.round(entry.getBoundingClientRect().top)].join(" at "));
       window.strips = 0; window.places = new Set();
       const look = () => { strips = Math.max(strips, document.querySelectorAll('[data-testid="job-strip"]').length); window.places.add(places().join("; ")); };
       look(); new MutationObserver(look).observe(document.querySelector('[data-testid="sidebar"]'), { childList: true, subtree: true })`,
    );
    await app.press(at(1), { held: [KEYS.control] });
    await app.press(at(8), { held: [KEYS.shift] });
    await app.click('[data-testid="describe-selection"]');
    await app.find('[data-testid="job-strip"]');
    await noSeriousViolations(app, "work under way");
    await app.screenshot(join(looks, "strips.png"));
    const ids = async () => (await call(app, "captions_to_review", null)).ids;
    await until("eight captions", async () => (await ids()).length === 8, 240);
    await idle(app);
    const { strips, seen } = await app.run("return { strips, seen: [...places] }");
    assert.ok(strips > 0);
    assert.equal(seen.length, 1, seen.join("\n"));
    await app.type(KEYS.escape);
  });

  it("reviews captions one after the other, and stays in the review", async () => {
    const written = async () => (await call(app, "captions_to_review", null)).ids;
    await app.press('[data-testid="review"]');
    await app.until("the review", `return document.querySelector('${summary}').textContent.startsWith("8 ")`);
    const shown = () => app.run(`return Number(document.querySelector('${viewer}')?.dataset.photo ?? -1)`);
    /** Waits for the caption of the open photo; what is only a guess is shown by A, and accepted by its button alone. */
    const ready = async () => {
      const either = '[data-testid="caption-accept"], [data-testid="caption-show-guess"]';
      await app.until("a caption or a guess", `return document.querySelector('${either}') !== null`);
      if (await app.run(`return document.querySelector('[data-testid="caption-accept"]') === null`)) await app.type("a");
      await app.find('[data-testid="caption-accept"]');
    };
    const accept = async () => {
      const isGuess = await app.run(`return document.querySelector('[data-testid="caption-guess"]') !== null`);
      if (isGuess) await app.press('[data-testid="caption-accept"]');
      else await app.type("a");
    };
    const before = await written();
    [described] = before;
    await app.press(at(1));
    await ready();
    assert.equal(await shown(), before[0]);
    await accept();
    await until("the second is open", async () => (await shown()) === before[1]);
    await ready();
    await noSeriousViolations(app, "a review");
    await app.screenshot(join(looks, "review.png"));
    await app.press('[data-testid="caption-accept"]');
    await until("the third is open", async () => (await shown()) === before[2]);
    assert.deepEqual(await written(), before.slice(2));
    await app.type(KEYS.escape);
    await app.until("the list, and nothing open", `return document.querySelector('${viewer}') === null && document.querySelector('${summary}').textContent.startsWith("6 ")`);
    await app.type(KEYS.escape + KEYS.escape + KEYS.escape);
    assert.equal(await app.run(`return document.querySelector('[data-testid="review"]').ariaCurrent`), "true", "the list is not left");
    assert.match(await app.text(summary), /^6 /);
    assert.ok(await app.run(`return document.activeElement?.matches('${cell}') === true`), "the keyboard is on a photo");
    await app.type(KEYS.enter);
    for (let left = 6; left > 0; left -= 1) {
      const photo = await shown();
      await ready();
      await accept();
      await until(`${left - 1} are left`, async () => (await written()).length === left - 1);
      if (left > 1) await until("the next is open", async () => (await shown()) !== photo);
    }
    await app.until("nothing is left", `return document.querySelector('${viewer}') === null && document.querySelector('[data-testid="empty"]')?.textContent.includes("No caption waits for review")`);
    await noSeriousViolations(app, "a review that is done");
    await app.screenshot(join(looks, "review-done.png"));
    await allPhotos(app);
  });

  // From here on the driver leaves the right button pressed, whatever it is told: pages then see clicks, but no new
  // presses of the pointer.
  it("opens the app's own menu on a photo, and never the webview's", async () => {
    await allPhotos(app);
    await watchMenus(app);
    await app.press(at(3), { button: RIGHT });
    await app.find(menu);
    assert.deepEqual(await entries(app), ["Open the photo", "Find similar photos", "Add to album…", "Copy", "Show in folder", "Copy path", "Copy caption as alt text", "Select", "Move to trash", "Forget now…"]);
    await noSeriousViolations(app, "the menu of a photo");
    await app.screenshot(join(looks, "menu.png"));
    await app.type(KEYS.escape);
    await app.until("the menu is closed", `return document.querySelector('${menu}') === null`);
    assert.equal(await focused(app), "3", "the keyboard is on the photo again");
    assert.deepEqual(await selected(app), []);
    for (const css of ['[data-testid="sidebar"] h2', summary, '[data-testid="sort"]', '[data-testid="review"]']) {
      await app.press(css, { button: RIGHT });
      assert.equal(await app.count(menu), 0, css);
    }
    await app.until("every menu is told", "return menus.length >= 5");
    const told = await app.run("return menus");
    assert.ok(told.every(([, keptAway]) => keptAway), JSON.stringify(told));
  });

  it("has a menu about all that are selected, or about the one beside them", async () => {
    await allPhotos(app);
    await app.press(at(1), { held: [KEYS.control] });
    await app.press(at(3), { held: [KEYS.shift] });
    await app.press(at(2), { button: RIGHT });
    await app.find(menu);
    assert.deepEqual(await entries(app), ["Open the photo", "Add to album…", "Copy", "Deselect", "Move to trash", "Forget now…"]);
    await pressEntry(app, "Add to album");
    await noSeriousViolations(app, "albums in the menu");
    await pressEntry(app, "New album");
    await app.type("three", '[data-testid="album-name"]');
    await app.type(KEYS.enter);
    await app.until("the album has three", `return /three\\s*3/.test(document.querySelector('[data-testid="album"]')?.textContent)`);
    await app.press(at(5), { button: RIGHT });
    await app.find(menu);
    assert.ok((await entries(app)).includes("Find similar photos"), "about one photo");
    assert.deepEqual(await selected(app), [1, 2, 3], "what is selected stays so");
    await pressEntry(app, "Select");
    assert.deepEqual(await selected(app), [1, 2, 3, 5]);
    await app.type(KEYS.escape);
  });

  it("copies a caption from the menu, in the grid and in the viewer", async () => {
    const ready = `return [...document.querySelectorAll('${menu} [role="menuitem"]')].some((entry) => entry.textContent.includes("alt text") && entry.ariaDisabled === "false")`;
    const its = `${cell}[data-photo="${described}"]`;
    await allPhotos(app);
    await app.press(its, { button: RIGHT });
    await app.until("its caption can be copied", ready);
    await app.type(KEYS.escape + KEYS.enter);
    await app.find(viewer);
    await app.press(`${viewer} .stage`, { button: RIGHT });
    await app.until("its caption can be copied here as well", ready);
    await pressEntry(app, "alt text");
    await app.until("it is copied", `return document.querySelector('[data-testid="toast"]')?.textContent.includes("Caption copied")`);
    await app.type(KEYS.escape);
    await app.until("the viewer is closed", `return document.querySelector('${viewer}') === null`);
    assert.ok((await app.run("return menus")).every(([, keptAway]) => keptAway));
  });

  it("keeps the webview's menu for text that is typed", async () => {
    // Last of all: its menu is the system's, and no test can close it.
    await app.run("menus.length = 0");
    await app.press('[data-testid="search-input"]', { button: RIGHT });
    await app.until("it is told", "return menus.length > 0");
    assert.deepEqual(await app.run("return menus"), [["search-input", false]]);
  });
});

describe("a newcomer who has been elsewhere before", { skip }, () => {
  const place = library();
  let app;
  after(async () => {
    await app?.kill();
    place.remove();
  });

  it("sees the photos that are added on the welcome page, not the settings", async () => {
    app = await place.start();
    await app.click('[data-testid="try-samples"]');
    await app.find(cell);
    await idle(app);
    await app.click('[data-testid="settings"]');
    await app.click('[data-testid="settings-view"] li .button');
    await app.click("dialog[open] .danger");
    await app.find('[data-testid="first-run"]');
    await watchMenus(app);
    await app.press("h1", { button: RIGHT });
    await app.until("it is told", "return menus.length > 0");
    assert.deepEqual(await app.run("return menus"), [["h1", true]]);
    await app.click('[data-testid="try-samples"]');
    await app.find(cell);
    assert.equal(await app.count('[data-testid="settings-view"]'), 0);
    assert.equal(await app.run(`return document.querySelector('[data-testid="sidebar"] .entry').ariaCurrent`), "true");
  });
});
