/** The built app while folders are added: one piece of work and one strip for all, which never runs backwards. */
import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { addFolders, call, cell, idle, library, noSeriousViolations, root, samples, skip } from "./harness.mjs";
import { until } from "./webdriver.mjs";

const jpegs = samples.filter((name) => name.endsWith(".jpg"));
const strip = '[data-testid="job-strip"]';

/** Fills a folder with photos, all of another content. */
function fill(folder, copies, first = 0) {
  mkdirSync(folder, { recursive: true });
  for (let copy = first; copy < first + copies; copy += 1) {
    for (const name of jpegs) {
      const to = join(folder, `${copy}-${name}`);
      copyFileSync(join(root, "assets/samples", name), to);
      // What follows a JPEG's end is not looked at, but makes another content.
      appendFileSync(to, Buffer.from([copy]));
    }
  }
  return readdirSync(folder).length;
}

describe("folders that are added", { skip }, () => {
  let place;
  let app;
  const folder = (name) => join(place.folder, name);
  beforeEach(async () => {
    place = library();
    app = await place.start();
    await app.resize(1200, 800);
    await app.find('[data-testid="first-run"]');
  });
  afterEach(async () => {
    await app?.kill();
    place.remove();
  });

  /** Watches the page until a condition holds; gives what was seen at each look. */
  async function watch(look, isOver) {
    const seen = [];
    await until("the work ends", async () => {
      seen.push(await look());
      return isOver();
    }, 180);
    return seen;
  }

  const bar = () =>
    app.run(
      `const bar = document.querySelector('${strip} [role="progressbar"]');
       if (bar === null || bar.ariaValueNow === null) return null;
       return Number(bar.ariaValueNow) / Number(bar.ariaValueMax);`,
    );

  it("are one job and one strip, and each photo is embedded once", async () => {
    const counts = ["one", "two", "three"].map((name, number) => fill(folder(name), 2, 2 * number));
    const total = counts.reduce((sum, count) => sum + count);
    const job = await addFolders(app, ...["one", "two", "three"].map(folder));
    const looks = await watch(
      async () => {
        const { jobs, searchable } = await call(app, "overview", null);
        return { jobs: jobs.map(({ id }) => id), strips: await app.count(strip), searchable };
      },
      async () => (await call(app, "overview", null)).searchable === total,
    );
    const during = looks.filter(({ searchable }) => searchable < total);
    assert.ok(during.length > 10, "the work was watched");
    for (const { jobs, strips } of during) {
      assert.deepEqual(jobs, [job.id]);
      assert.ok(strips <= 1, `${strips} strips`);
    }
    assert.ok(during.some(({ strips }) => strips === 1));
    await idle(app);
    assert.equal((await call(app, "overview", null)).photos, total);
    await app.until("all are shown", `return document.querySelector('[data-testid="summary"]')?.textContent.startsWith("${total} ")`);
  });

  it("go on after a pause from where they were", async () => {
    const total = fill(folder("one"), 5);
    await addFolders(app, folder("one"));
    await until("a third is done", async () => ((await bar()) ?? 0) > 0.3);
    await app.click('[data-testid="job-pause"]');
    await app.find('[data-testid="job-resume"]');
    const paused = await bar();
    await app.click('[data-testid="job-resume"]');
    const seen = await watch(bar, async () => (await app.count(strip)) === 0);
    const shown = [paused, ...seen.filter((share) => share !== null)];
    assert.ok(shown.length > 5, `${shown}`);
    shown.reduce((before, share) => {
      assert.ok(share >= before, `the bar ran backwards: ${shown}`);
      return share;
    });
    assert.equal((await call(app, "overview", null)).searchable, total);
  });

  it("say so when they hold no photo", async () => {
    mkdirSync(folder("empty"));
    await addFolders(app, folder("empty"));
    await app.until("it says so", `return document.querySelector('[data-testid="empty"]')?.textContent.includes("No photos found in ${folder("empty")}")`);
    await noSeriousViolations(app, "an empty folder");
    copyFileSync(join(root, "assets/samples/lock.jpg"), join(folder("empty"), "lock.jpg"));
    await app.find(cell);
  });
});
