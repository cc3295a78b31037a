/**
 * A person who looks through a library, played with keys and mouse: searches, scrolls, opens photos, goes from one to
 * the next, zooms, asks why and what is similar, looks into albums, duplicates and settings.
 *
 * The same seed does the same; chance decides only what is done next, never whether a check holds.
 */
import { setTimeout as sleep } from "node:timers/promises";

import { cell } from "./harness.mjs";
import { KEYS } from "./webdriver.mjs";

const viewer = '[data-testid="lightbox"]';

const QUERIES = ["a dog on the grass", "coffee", "mountains", "a bridge at night", "kitten", "the beach and the sea", "a red parrot",
  "horses", "a man with a camera", "forest path", "an orange flower", "boats on a lake", "panda", "fire truck", "giraffes -tree",
  "people playing music", "a pyramid", "cow", "a plane in the sky", "autumn leaves", "a desk with a laptop", "sunset"];

/** Numbers in 0..1, the same for the same seed (mulberry32). */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Person {
  /** What was done so far, a key, a click or a turn of the wheel each. */
  actions = 0;
  /** Photos that were looked at and were there. */
  seen = 0;
  #app;
  #random;
  #pace;
  #after;

  /** `pace` is how many times as fast as a person; `after` is called after each action. */
  constructor(app, { seed = 1, pace = 1, after = () => {} } = {}) {
    this.#app = app;
    this.#random = randomFrom(seed);
    this.#pace = pace;
    this.#after = after;
  }

  /** One thing that a person does, of a few actions to some dozens. */
  async next() {
    const things = [
      [5, () => this.#search()],
      [3, () => this.#scrollFar()],
      [3, () => this.#lookAtPhotos()],
      [1, () => this.#album()],
      [1, () => this.#select()],
      [0.5, () => this.#view("settings")],
      [0.5, () => this.#view("teach")],
      [0.7, () => this.#duplicates()],
      [0.5, () => this.#thumbnailSize()],
    ];
    let at = this.#random() * things.reduce((sum, [weight]) => sum + weight, 0);
    const [, thing] = things.find(([weight]) => (at -= weight) < 0) ?? things[0];
    await thing();
  }

  #between(least, most) {
    return least + Math.floor(this.#random() * (most - least + 1));
  }

  #perhaps(chance) {
    return this.#random() < chance;
  }

  /** Ends an action: looks at what came of it, for one to three seconds. */
  async #look(seconds = 1 + 2 * this.#random()) {
    this.actions += 1;
    await sleep((seconds * 1000) / this.#pace);
    await this.#after();
  }

  async #key(key, seconds) {
    await this.#app.type(key);
    await this.#look(seconds);
  }

  /** The middle of one of the elements that match and can be seen; null where there is none. */
  #place(css) {
    return this.#app.run(
      `const all = [...document.querySelectorAll(arguments[0])].map((found) => found.getBoundingClientRect())
         .map(({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 }))
         .filter(({ x, y }) => document.elementFromPoint(x, y)?.closest(arguments[0]));
       return all[Math.floor(arguments[1] * all.length)] ?? null;`,
      css,
      this.#random(),
    );
  }

  /** Presses the mouse on one of the elements that match; tells whether there was one. */
  async #click(css) {
    const at = await this.#place(css);
    if (at !== null) await this.#app.pressAt(at);
    await this.#look();
    return at !== null;
  }

  #isThere(css) {
    return this.#app.run("return document.querySelector(arguments[0]) !== null", css);
  }

  async #search() {
    await this.#photos();
    await this.#app.run("const field = document.getElementById('search-input'); field.focus(); field.select(); return true");
    for (const letter of QUERIES[this.#between(0, QUERIES.length - 1)]) {
      await this.#app.type(letter);
      await sleep((60 + 120 * this.#random()) / this.#pace);
    }
    await this.#look();
    if (this.#perhaps(0.5)) await this.#key(KEYS.enter);
    for (let turn = this.#between(0, 4); turn > 0; turn -= 1) await this.#scroll(this.#between(200, 900));
    if (this.#perhaps(0.7)) await this.#lookAtPhotos();
  }

  /** To places far apart in the list of all photos, as one drags its bar, and on from there with wheel and keys. */
  async #scrollFar() {
    await this.#allPhotos();
    for (let jump = this.#between(1, 4); jump > 0; jump -= 1) {
      await this.#app.run(
        `const grid = document.querySelector('[data-testid="grid"]');
         if (grid !== null) grid.scrollTop = arguments[0] * (grid.scrollHeight - grid.clientHeight); return true`,
        this.#random(),
      );
      await this.#look();
      const back = this.#perhaps(0.4);
      for (let turn = this.#between(2, 8); turn > 0; turn -= 1) await this.#scroll((back ? -1 : 1) * this.#between(300, 1500));
    }
    if (this.#perhaps(0.5)) await this.#lookAtPhotos();
  }

  async #scroll(pixels) {
    // The wheel's many small steps, one a frame.
    await this.#app.run(
      `const grid = document.querySelector('[data-testid="grid"]');
       for (let step = 0; grid !== null && step < 10; step += 1) { grid.scrollTop += arguments[0] / 10; await new Promise(requestAnimationFrame); }
       return true`,
      pixels,
    );
    await this.#look();
  }

  /** Opens a photo, goes on to others, and looks closer at some. */
  async #lookAtPhotos() {
    if (!(await this.#click(cell)) || !(await this.#isThere(viewer))) return;
    const back = this.#perhaps(0.3);
    for (let turn = this.#between(2, 12); turn > 0; turn -= 1) {
      await this.#key(back ? KEYS.left : KEYS.right);
      await this.#see();
      if (this.#perhaps(0.2)) await this.#zoom();
      if (this.#perhaps(0.15)) await this.#why();
      if (this.#perhaps(0.1)) await this.#key("i");
      if (this.#perhaps(0.1)) await this.#key("c");
      if (this.#perhaps(0.04)) await this.#key("b");
    }
    if (!this.#perhaps(0.2)) return void (await this.#key(KEYS.escape));
    await this.#key("s");
    for (let turn = this.#between(1, 3); turn > 0; turn -= 1) await this.#scroll(this.#between(200, 900));
  }

  /** Counts the open photo if it can be seen by now; one that cannot be shown is an error. */
  async #see() {
    const [shown, complaint] = await this.#app.run(
      `const image = document.querySelector('${viewer} .photo img');
       return [image !== null && image.complete && image.naturalWidth > 0, document.querySelector('${viewer} [role="alert"]')?.textContent ?? null]`,
    );
    if (complaint !== null) throw new Error(complaint);
    this.seen += shown ? 1 : 0;
  }

  async #zoom() {
    for (let step = this.#between(1, 4); step > 0; step -= 1) await this.#key("+", 0.5);
    const from = { x: 560, y: 380 };
    await this.#app.pressAt(from, { to: { x: from.x + this.#between(-200, 200), y: from.y + this.#between(-200, 200) } });
    await this.#look();
    await this.#key("0");
  }

  async #why() {
    if (!(await this.#isThere('[data-testid="why"]'))) return;
    await this.#key("w");
    if (this.#perhaps(0.5)) await this.#key("w");
  }

  async #album() {
    await this.#photos();
    if (!(await this.#click('[data-testid="album"]'))) return;
    for (let turn = this.#between(0, 3); turn > 0; turn -= 1) await this.#scroll(this.#between(200, 2000));
    if (this.#perhaps(0.6)) await this.#lookAtPhotos();
  }

  async #select() {
    await this.#photos();
    for (let photo = this.#between(1, 6); photo > 0; photo -= 1) {
      const at = await this.#place(cell);
      if (at === null) return;
      await this.#app.pressAt(at, { held: KEYS.control });
      await this.#look();
    }
    if (this.#perhaps(0.3)) await this.#app.type("b").then(() => this.#look());
    await this.#key(KEYS.escape);
  }

  async #view(name) {
    await this.#photos();
    await this.#click(`[data-testid="${name}"]`);
    await this.#app.run("const main = document.querySelector('main'); if (main !== null) main.scrollTop = main.scrollHeight; return true");
    await this.#look();
  }

  async #duplicates() {
    await this.#view("duplicates");
    if (!(await this.#isThere('[data-testid="duplicate-group"]'))) {
      await this.#click('[data-testid="find-duplicates"]');
      await this.#app.until("duplicates are found", `return document.querySelector('[data-testid="duplicate-group"], [data-testid="no-duplicates"]') !== null`);
    }
    for (let group = this.#between(2, 10); group > 0; group -= 1) await this.#click('[data-testid="skip"]');
  }

  async #thumbnailSize() {
    await this.#photos();
    await this.#app.run(
      `const range = document.querySelector('input[type="range"]'); if (range === null) return false;
       range.value = arguments[0]; range.dispatchEvent(new Event("input", { bubbles: true })); return true`,
      this.#between(6, 20) * 16,
    );
    await this.#look();
  }

  /** Goes back to the list of photos, from wherever it was left. */
  async #photos() {
    if (await this.#isThere(viewer)) await this.#key(KEYS.escape);
    if (!(await this.#isThere("#search-input"))) await this.#allPhotos();
  }

  async #allPhotos() {
    if (await this.#isThere(viewer)) await this.#key(KEYS.escape);
    await this.#click('[data-testid="sidebar"] .scroll .entry:first-child');
  }
}
