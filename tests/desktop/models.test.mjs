/**
 * Another model in the built app: offered, fetched from a server on this computer, tried, taken into use while the old
 * one answers, given up, removed; by mouse and by keys.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { addFolder, call, idle, library, looks, noSeriousViolations, root, samples, skip } from "./harness.mjs";
import { KEYS, until } from "./webdriver.mjs";

const REVISION = "0123456789012345678901234567890123456789";
const folder = join(root, "assets/models/home-1");

/** The bundled model under the name of a published one, and with another preparation of photos, so that its vectors are its own. */
function published() {
  const description = readFileSync(join(folder, "model.toml"), "utf8").replace('"home-1"', '"standard"').replace("0.49803922", "0.44");
  const names = [...description.matchAll(/^\[files\."(.*)"\]$/gm)].map(([, name]) => name);
  return new Map([["model.toml", Buffer.from(description)], ...names.map((name) => [name, readFileSync(join(folder, name))])]);
}

describe("a person who wants a better model", { skip }, () => {
  const place = library();
  const files = published();
  const models = join(place.folder, "models");
  let server;
  let app;
  /** Milliseconds that the server waits after each part of a file. */
  let slow = 0;
  const requests = [];

  before(async () => {
    server = createServer(async (request, response) => {
      requests.push(request.url);
      const bytes = files.get(request.url.split("/").at(-1));
      if (bytes === undefined) return response.writeHead(404).end();
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const head = { "Content-Length": bytes.length - from, "Accept-Ranges": "bytes" };
      response.writeHead(from > 0 ? 206 : 200, from > 0 ? { ...head, "Content-Range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : head);
      for (let at = from; at < bytes.length && !response.destroyed; at += 1 << 18) {
        response.write(bytes.subarray(at, at + (1 << 18)));
        if (slow > 0) await sleep(slow);
      }
      response.end();
    });
    await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
    const line = ([name, bytes]) =>
      `{ path = "${name}", bytes = ${bytes.length}, sha256 = "${createHash("sha256").update(bytes).digest("hex")}" }`;
    const list = join(place.folder, "list.toml");
    writeFileSync(
      list,
      `[[pack]]\nname = "standard"\npurpose = "search"\nlayout = "pack"\noffered = true\nsummary = "The best for English that is still quick"\n` +
        `languages = "English"\ndims = 512\nrepository = "owner/other"\nrevision = "${REVISION}"\n` +
        `licence = { name = "MIT", url = "https://spdx.org/licenses/MIT.html" }\nfiles = [${[...files].map(line).join(", ")}]\n`,
    );
    const photos = join(place.folder, "photos");
    [photos, looks].forEach((path) => mkdirSync(path, { recursive: true }));
    for (const name of samples) copyFileSync(join(root, "assets/samples", name), join(photos, name));
    const none = Object.fromEntries(["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"].map((name) => [name, ""]));
    const endpoint = `http://127.0.0.1:${server.address().port}`;
    app = await place.start({ ...none, SIGHTLINE_PACKS: list, SIGHTLINE_MODELS: models, HF_ENDPOINT: endpoint });
    await app.resize(1200, 800);
    await app.find('[data-testid="first-run"]');
    await addFolder(app, photos);
  });
  after(async () => {
    await app?.kill();
    server?.close();
    place.remove();
  });

  const row = (name) => `[data-testid="model"][data-name="${name}"]`;
  const button = (text, name) => `${row(name)} button[aria-label="${text} ${name}"]`;
  const shown = (text) => app.until(`“${text}” is said`, `return document.body.innerText.includes(${JSON.stringify(text)})`);
  const found = async (query) => {
    const filters = { after: null, before: null, camera: null, lens: null, rating: null, place: null, folder: null, format: null, album: null };
    const { strong, possible } = await call(app, "search", { query, limit: 50, less_likely: null, filters, sort: "match" });
    return [...strong, ...possible];
  };
  /** Goes on with Tab until a button has the keyboard. */
  async function tabTo(css) {
    for (let tries = 0; tries < 200; tries += 1) {
      if (await app.run(`return document.activeElement?.matches(arguments[0]) === true`, css)) return;
      await app.type(KEYS.tab);
    }
    assert.fail(`no Tab leads to ${css}`);
  }

  it("is offered one when the first photos can be found, and led to the models", async () => {
    await app.find('[data-testid="model-offer"]');
    await shown("A better model can find more: standard");
    await noSeriousViolations(app, "the offer");
    await app.click('[data-testid="model-offer"] .button');
    await app.find(row("standard"));
    assert.equal(await app.run(`return document.querySelector('[data-testid="model-offer"]') === null`), true);
    const top = await app.run(`return document.querySelector('[data-testid="models"]').getBoundingClientRect().top`);
    assert.ok(top >= 0 && top < 400, `the models are in sight: ${top}`);
    await noSeriousViolations(app, "Models");
    assert.deepEqual(requests, [], "nothing is asked of anybody before a person asks for it");
  });

  it("reads the licence first, and sees the download, which can be paused", async () => {
    await app.click(button("Get…", "standard"));
    await app.find('[data-testid="accept-licence"]');
    await shown("https://spdx.org/licenses/MIT.html");
    await noSeriousViolations(app, "the question before a download");
    await app.screenshot(join(looks, "model-get.png"));
    assert.equal(await app.run(`return document.querySelector('[data-testid="confirm"]').disabled`), true);
    await app.click('[data-testid="accept-licence"]');
    slow = 40;
    await app.click('[data-testid="confirm"]');
    await app.find('[data-testid="job-strip"]');
    await shown("Downloading a model");
    await until("some of it is here", async () => (await call(app, "overview", null)).jobs.some((job) => job.kind === "fetch" && job.done > 2_000_000), 60);
    await app.click('[data-testid="job-pause"]');
    await app.find('[data-testid="job-resume"]');
    const asked = requests.length;
    await sleep(500);
    assert.equal(requests.length, asked, "a pause asks nobody");
    assert.deepEqual(readdirSync(models).filter((name) => !name.endsWith(".lock")), ["standard.partial"]);
    slow = 0;
    await app.click('[data-testid="job-resume"]');
    await app.find(`${row("standard")}[data-state="installed"]`);
    await idle(app);
    await shown("The model is on this computer");
    await app.find(`${row("standard")} [data-testid="proof"]`);
    await shown("sentences find their sample photo");
  });

  it("is told what its use takes, and uses it by keys alone, while the old one answers", async () => {
    const old = await found("a dog");
    await tabTo(button("Use…", "standard"));
    await app.type(KEYS.enter);
    await shown(`It has to look at ${samples.length} photos first.`);
    await noSeriousViolations(app, "the question before another model is used");
    await app.screenshot(join(looks, "model-use.png"));
    await tabTo('[data-testid="confirm"]');
    await app.type(KEYS.enter);
    while (!(await app.run(`return document.querySelector(arguments[0]) !== null`, `${row("standard")}[data-in-use="true"]`))) {
      const answer = await found("a dog");
      assert.ok(answer.length > 0, "somebody always answers");
    }
    await idle(app);
    await shown("The new model is in use");
    assert.equal((await found("a dog"))[0], old[0]);
    await app.run(`document.querySelector('[data-testid="models"]').scrollIntoView({ block: "center" }); return true`);
    await noSeriousViolations(app, "Models with two of them");
    await app.screenshot(join(looks, "models.png"));
  });

  it("checks it, frees the other's room, goes back at a cost that is told, and removes it", async () => {
    await app.click(button("Check", "standard"));
    await shown("Trying the model on sample photos");
    await idle(app);
    await shown("The model is as it should be, and works on this computer");
    await app.click(button("Free space…", "home-1"));
    await app.click('[data-testid="confirm"]');
    await app.until("the room is free", `return document.querySelector(arguments[0]) === null`, button("Free space…", "home-1"));
    await idle(app);
    await app.click(button("Use…", "home-1"));
    await shown(`It has to look at ${samples.length} photos first.`);
    await app.click('[data-testid="confirm"]');
    await app.find(`${row("home-1")}[data-in-use="true"]`);
    await idle(app);
    await app.click(button("Use…", "standard"));
    await shown("It has looked at all photos already, so the change is immediate.");
    // Escape takes the question away, and nothing is done.
    await app.type(KEYS.escape);
    await app.until("the question is gone", `return document.querySelector("dialog") === null`);
    assert.equal(await app.run(`return document.querySelector(arguments[0]) !== null`, `${row("home-1")}[data-in-use="true"]`), true);
    await app.click(button("Remove…", "standard"));
    await app.click('[data-testid="confirm"]');
    await app.find(`${row("standard")}[data-state="offered"]`);
    assert.deepEqual(readdirSync(models).filter((name) => !name.endsWith(".lock")), []);
    assert.ok((await found("a dog")).length > 0);
  });
});
