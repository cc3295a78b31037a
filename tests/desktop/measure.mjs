/**
 * How fast the app is to the hand: start, answers as one types, scrolling, typing while it indexes.
 *
 *     npm run measure
 *
 * Libraries are made of the sample photos: 10,000 and 500,000 rows with their thumbnails and slightly changed vectors.
 * Prints a Markdown table; nothing else should run on the machine.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { addFolders } from "./harness.mjs";
import { App, until } from "./webdriver.mjs";

const root = resolve(import.meta.dirname, "../..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const place = mkdtempSync(join(tmpdir(), "sightline-measure-"));
const rows = [];

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(part * values.length))];
const start = (library) => App.start(join(target, "release/sightline-desktop"), { SIGHTLINE_LIBRARY: join(place, library), LANG: "en_US.UTF-8" });
const cell = '[data-testid="photo-cell"]';

/** Milliseconds from the process's start to the page's first paint with content. */
async function firstPaint(app) {
  let painted;
  await until("the first paint", async () => {
    painted = await app.run(
      `const paint = performance.getEntriesByName("first-contentful-paint")[0]; return paint ? performance.timeOrigin + paint.startTime : null`,
    );
    return painted !== null;
  });
  const pid = execFileSync("pgrep", ["-n", "sightline-deskt"], { encoding: "utf8" }).trim();
  const ticks = Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ")[19]);
  const boot = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))[1]) * 1000;
  // btime is in whole seconds: the uptime says it finer.
  const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
  const exactBoot = Math.abs(Date.now() - uptime - boot) < 1500 ? Date.now() - uptime : boot;
  return painted - (exactBoot + ticks * 10);
}

/** Milliseconds from the last key to the first photos of the answer in the page, for each query. */
function answers(app, queries) {
  return app.run(
    `const input = document.getElementById("search-input");
     const grid = document.querySelector("main");
     const times = [];
     for (const query of arguments[0]) {
       const changed = new Promise((resolve) => {
         const see = new MutationObserver(() => {
           const first = document.querySelector('${cell}');
           if (first && document.querySelector('[data-testid="summary"]').textContent.includes("among") && document.body.dataset.asked === "1") {
             see.disconnect();
             requestAnimationFrame(() => resolve(performance.now()));
           }
         });
         see.observe(grid, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["data-photo"] });
       });
       document.body.dataset.asked = "1";
       const key = performance.now();
       input.value = query;
       input.dispatchEvent(new Event("input", { bubbles: true }));
       const at = await Promise.race([changed, new Promise((r) => setTimeout(() => r(null), 3000))]);
       if (at !== null) times.push(at - key);
       await new Promise((r) => setTimeout(r, 300));
     }
     return times;`,
    queries,
  );
}

const QUERIES = ["a dog", "a dog on the grass", "a cup of coffee", "mountains", "a bridge at night", "a kitten", "the beach and the sea",
  "a red parrot", "horses", "a man with a camera", "a path through the forest", "an orange flower", "boats on a lake", "a giant panda",
  "a fire truck", "giraffes", "an orchestra", "a pyramid", "a cow", "chickens", "a plane in the sky", "autumn leaves", "a laptop on a desk"];

try {
  // A small library, indexed by the app's own engine.
  execFileSync(join(target, "release/sightline"), ["--library", join(place, "small"), "index", join(root, "assets/samples")], { stdio: "ignore" });
  const multiply = join(target, "release/examples/multiply");
  if (!existsSync(multiply)) throw new Error("build the example first: cargo build --release --workspace --examples");
  for (const [name, count] of [["ten", 10_000], ["huge", 500_000]]) {
    execFileSync(multiply, [join(place, "small"), join(place, name), String(count)]);
  }

  for (const [name, label] of [["ten", "10,000"], ["huge", "500,000"]]) {
    const paints = [];
    for (let run = 0; run < 6; run += 1) {
      const app = await start(name);
      await app.find(cell);
      // The first run warms the disk.
      if (run > 0) paints.push(await firstPaint(app));
      await app.kill();
    }
    rows.push([`start to first paint, ${label} photos`, `${Math.round(median(paints))} ms (most ${Math.round(Math.max(...paints))})`]);
  }

  for (const [name, label] of [["ten", "10,000"], ["huge", "500,000"]]) {
    const app = await start(name);
    await app.find(cell);
    await answers(app, QUERIES.slice(0, 2));
    const times = await answers(app, QUERIES);
    rows.push([`last key to first photos, ${label} photos`, `median ${Math.round(median(times))} ms, p95 ${Math.round(quantile(times, 0.95))} ms of ${times.length} queries`]);
    if (name === "huge") {
      await app.run(`const i = document.getElementById("search-input"); i.value = ""; i.dispatchEvent(new Event("input", { bubbles: true }))`);
      await app.until("everything is listed", `return document.querySelector('[data-testid="summary"]').textContent.startsWith("500,000")`);
      const scroll = await app.run(
        `const grid = document.querySelector('[data-testid="grid"]');
         const frames = []; let nodes = 0; let last = performance.now();
         for (let frame = 0; frame < 300; frame += 1) {
           grid.scrollTop += frame < 200 ? 120 : 40000;
           await new Promise(requestAnimationFrame);
           const now = performance.now(); frames.push(now - last); last = now;
           nodes = Math.max(nodes, document.querySelectorAll("*").length);
         }
         return { frames, nodes, cells: document.querySelectorAll('${cell}').length };`,
      );
      rows.push(["scrolling 500,000 photos, a frame", `median ${median(scroll.frames).toFixed(1)} ms, p95 ${quantile(scroll.frames, 0.95).toFixed(1)} ms`]);
      rows.push(["elements in the page while scrolling", `at most ${scroll.nodes}, ${scroll.cells} of them photos`]);
    }
    await app.kill();
  }

  // Typing while it indexes.
  const photos = join(place, "photos");
  mkdirSync(photos);
  for (let copy = 0; copy < 20; copy += 1) {
    for (const name of readdirSync(join(root, "assets/samples")).filter((name) => name.endsWith(".jpg"))) {
      const to = join(photos, `${copy}-${name}`);
      copyFileSync(join(root, "assets/samples", name), to);
      writeFileSync(to, Buffer.concat([readFileSync(to), Buffer.from([copy])]));
    }
  }
  const app = await start("busy");
  await app.find('[data-testid="first-run"]');
  await addFolders(app, photos);
  await app.find(cell);
  await app.run(
    `window.late = []; document.getElementById("search-input").addEventListener("input", (event) => window.late.push(performance.now() - event.timeStamp))`,
  );
  const words = "a golden retriever that lies on the green grass in the sun";
  for (const letter of words) await app.type(letter, "#search-input");
  const typed = await app.run(`return { value: document.getElementById("search-input").value, late: window.late, running: document.querySelector('[data-testid="job-strip"]') !== null }`);
  rows.push(["typing while it indexes", `${typed.value === words ? "every key arrived" : `LOST KEYS: ${typed.value}`}, handled after at most ${Math.max(...typed.late).toFixed(0)} ms${typed.running ? "" : " (INDEXING HAD ENDED)"}`]);
  await app.kill();

  console.log("| what | figure |\n|---|---|");
  for (const [what, figure] of rows) console.log(`| ${what} | ${figure} |`);
} finally {
  rmSync(place, { recursive: true, force: true });
}
