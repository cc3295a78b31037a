/**
 * How much memory the app and its page take while somebody uses it for hours.
 *
 *     npm run measure:use                                        # two hours, at a person's pace
 *     npm run measure:use -- --minutes 10 --pace 12              # two hours' worth of actions in ten minutes
 *
 * The library is made of the sample photos: 10,000 rows with thumbnails and slightly changed vectors, and as many files
 * of 12 megapixels. `person.mjs` does about one thing every two seconds, divided by `--pace`; the same `--seed` does the
 * same. Every thirty seconds the memory of all processes is noted: the app, its page, what loads for the page, and the
 * workers that decode, as the sum of their resident sets (what they share counts for each) and of their proportional ones.
 *
 * `--out FILE.csv` keeps every sample; `--limit MB` ends with 1 when the sum of resident sets was ever higher, in millions
 * of bytes; `--folder DIR` keeps the library, and takes it from there; `--release DIR` takes the programs from there.
 * Prints a Markdown table.
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { cell, root } from "./harness.mjs";
import { manyPhotos } from "./many_photos.mjs";
import { memory, PARTS } from "./memory.mjs";
import { Person } from "./person.mjs";
import { App } from "./webdriver.mjs";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "120" },
    pace: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    photos: { type: "string", default: "10000" },
    every: { type: "string", default: "30" },
    limit: { type: "string" },
    out: { type: "string" },
    folder: { type: "string" },
    release: { type: "string", default: join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "release") },
  },
});
const release = resolve(values.release);
const place = mkdtempSync(join(tmpdir(), "sightline-use-"));
const kept = values.folder === undefined ? join(place, "made") : resolve(values.folder);
/** Seconds after the start until its memory is noted: the model is loaded and the first photos are shown. */
const SETTLED = 10;

const samples = [];
const columns = ["minute", "actions", "elements", ...[...PARTS, "total"].flatMap((part) => [`${part} rss`, `${part} pss`]), "workers"];

async function sample(app, begun, actions) {
  const now = memory(app.pid);
  const elements = await app.run("return document.querySelectorAll('*').length");
  const row = { minute: (Date.now() - begun) / 60_000, actions, elements, workers: now.workers.processes };
  for (const part of [...PARTS, "total"]) Object.assign(row, { [`${part} rss`]: now[part].rss, [`${part} pss`]: now[part].pss });
  samples.push(row);
  const figures = columns.map((column) => (column === "minute" ? row[column].toFixed(1) : Math.round(row[column])));
  if (values.out !== undefined) appendFileSync(values.out, `${figures.join(",")}\n`);
  console.log(columns.map((column, at) => `${column} ${figures[at]}`).join(", "));
}

try {
  if (values.out !== undefined) {
    mkdirSync(dirname(resolve(values.out)), { recursive: true });
    writeFileSync(values.out, `${columns.join(",")}\n`);
  }
  const library = manyPhotos(kept, release, root, Number(values.photos));
  const app = await App.start(join(release, "sightline-desktop"), {
    SIGHTLINE_LIBRARY: library,
    XDG_DATA_HOME: join(place, "share"),
    LANG: "en_US.UTF-8",
  });
  try {
    await app.find(cell);
    await app.resize(1200, 800);
    await new Promise((then) => setTimeout(then, SETTLED * 1000));
    const begun = Date.now();
    const minutes = Number(values.minutes);
    let due = 0;
    const person = new Person(app, {
      seed: Number(values.seed),
      pace: Number(values.pace),
      after: async () => {
        if (Date.now() - begun < due * 1000) return;
        due += Number(values.every);
        await sample(app, begun, person.actions);
      },
    });
    await sample(app, begun, 0);
    due = Number(values.every);
    while (Date.now() - begun < minutes * 60_000) await person.next();
    await sample(app, begun, person.actions);
    console.log(`\n${person.actions} actions in ${Math.round((Date.now() - begun) / 60_000)} minutes, ${person.seen} photos looked at`);
  } finally {
    await app.kill();
  }

  const [first, last] = [samples[0], samples.at(-1)];
  const most = (column) => Math.max(...samples.map((row) => row[column]));
  console.log(`\n| memory, MB | at the start | at the end | most |\n|---|---|---|---|`);
  for (const kind of ["rss", "pss"]) {
    for (const part of ["total", ...PARTS]) {
      const column = `${part} ${kind}`;
      console.log(`| ${part}, ${kind.toUpperCase()} | ${[first[column], last[column], most(column)].map(Math.round).join(" | ")} |`);
    }
  }
  if (values.limit !== undefined && most("total rss") > Number(values.limit)) {
    console.error(`${Math.round(most("total rss"))} MB are more than ${values.limit}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}
