/** A question about a photo in the built app: asked with the keyboard, led to a model where none answers, and answered. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { addFolder, call, cell, chosen, idle, library, looks, noSeriousViolations, root, skip } from "./harness.mjs";
import { KEYS } from "./webdriver.mjs";

/** A checkpoint of a few numbers: what it says means nothing. */
const checkpoint = join(root, "crates/vlm/tests/golden/packs/tiny_questions");

describe("a person who asks about a photo", { skip }, () => {
  const place = library();
  let app;

  before(async () => {
    const photos = join(place.folder, "photos");
    [photos, looks].forEach((path) => mkdirSync(path, { recursive: true }));
    copyFileSync(join(root, "assets/samples/lock.jpg"), join(photos, "lock.jpg"));
    app = await place.start({ SIGHTLINE_MODELS: join(place.folder, "models") });
    await app.resize(1200, 800);
    await app.find('[data-testid="first-run"]');
    await addFolder(app, photos);
  });
  after(async () => {
    await app?.kill();
    place.remove();
  });

  const answer = (test) => app.until("there is an answer", `const p = document.querySelector('[data-testid="answer"]'); return p !== null && p.getAttribute("aria-busy") === "false" && (${test})`);

  it("is told in one sentence that no model answers yet, and led to those that do", async () => {
    await app.click(cell);
    await app.find('[data-testid="lightbox"]');
    await app.type("q");
    await app.find('[data-testid="question-field"]');
    await app.until("the field has the keyboard", `return document.activeElement?.dataset.testid === "question-field" && document.activeElement.value === ""`);
    await app.type("what is this?" + KEYS.enter);
    await answer(`p.textContent.includes("No model on this computer answers questions yet.")`);
    await noSeriousViolations(app, "a question that nobody answers");
    await app.screenshot(join(looks, "question-none.png"));
    await app.click('[data-testid="question-models"]');
    await app.find('[data-testid="model"][data-name="smolvlm"]');
    assert.equal(await app.count('[data-testid="lightbox"]'), 0);
  });

  it("is answered once a model is here, and shuts the field with a key", async () => {
    await call(app, "import_model", { folder: await chosen(app, "import_model", checkpoint) });
    await app.find('[data-testid="model"][data-name="tiny-questions"][data-state="installed"]');
    await idle(app);
    await app.run(`window.before = true; location.reload(); return true`).catch(() => {});
    await app.until("the page is read anew", `return window.before === undefined && document.querySelector('[data-testid="photo-cell"]') !== null`);
    await app.click(cell);
    await app.find('[data-testid="lightbox"]');
    await app.click('[data-testid="question-open"]');
    await app.type("what is the dog doing?", '[data-testid="question-field"]');
    await app.click('[data-testid="question-ask"]');
    await answer(`p.textContent.includes("tiny-questions; may be wrong")`);
    await noSeriousViolations(app, "an answer");
    await app.screenshot(join(looks, "question.png"));
    await app.type(KEYS.escape, '[data-testid="question-field"]');
    await app.until("the field is shut", `return document.querySelector('[data-testid="question"]') === null && document.querySelector('[data-testid="lightbox"]') !== null`);
  });
});
