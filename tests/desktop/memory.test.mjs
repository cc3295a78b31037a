/**
 * The built app does not grow while it is used: an hour's habits at a pace that no hand has.
 *
 * `npm run measure:use` measures the same for hours and among many photos.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { addFolder, library, root, samples, skip } from "./harness.mjs";
import { memory } from "./memory.mjs";
import { Person } from "./person.mjs";

/** Photos of each sample: with as many different ones as a person looks at, what is kept of each adds up. */
const COPIES = 6;
const ACTIONS = 300;
const PACE = 25;
/** Millions of bytes by which the app may grow; it grew by 384 when every photo left something. */
const MOST = 200;

describe("an app that is used for long", { skip: skip || (process.platform === "linux" ? false : "SKIPPED: memory is read from /proc") }, () => {
  const place = library();
  let app;
  before(async () => {
    const photos = join(place.folder, "photos");
    mkdirSync(photos);
    for (let copy = 0; copy < COPIES; copy += 1) {
      for (const name of samples.filter((name) => name.endsWith(".jpg"))) {
        const to = join(photos, `${copy}-${name}`);
        copyFileSync(join(root, "assets/samples", name), to);
        writeFileSync(to, Buffer.concat([readFileSync(to), Buffer.from([copy])]));
      }
    }
    app = await place.start();
    await app.resize(1200, 800);
    await app.find('[data-testid="first-run"]');
    await addFolder(app, photos);
  });
  after(async () => {
    await app?.kill();
    place.remove();
  });

  it("gives back what it took for photos that were looked at", async (test) => {
    const begun = memory(app.pid).total;
    const person = new Person(app, { seed: 1, pace: PACE });
    while (person.actions < ACTIONS) await person.next();
    const ended = memory(app.pid).total;
    const grown = Math.round(ended.pss - begun.pss);
    test.diagnostic(`${Math.round(begun.pss)} MB, and ${grown} more after ${person.actions} actions and ${person.seen} photos`);
    assert(person.seen >= 20, `${person.seen} photos were looked at`);
    assert(grown <= MOST, `${grown} MB more`);
  });
});
