/**
 * The Debian package, unpacked into an empty root and started from there, without the source tree's files.
 *
 * Made by `npm run bundle`; passed over where there is none.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { it } from "node:test";

import { App } from "./webdriver.mjs";

const root = resolve(import.meta.dirname, "../..");
const debs = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "release/bundle/deb");
const deb = existsSync(debs) ? readdirSync(debs).find((name) => name.endsWith(".deb")) : undefined;
const skip = deb === undefined || process.env.DISPLAY === undefined ? "SKIPPED: no .deb (npm run bundle) or no display" : false;
if (skip) console.log(skip);

it("the installed app starts and indexes its own samples with its own model", { skip }, async () => {
  const place = mkdtempSync(join(tmpdir(), "sightline-deb-"));
  let app;
  try {
    execFileSync("dpkg-deb", ["--extract", join(debs, deb), place]);
    const installed = (path) => join(place, "usr", path);
    assert.ok(existsSync(installed("share/applications/Sightline.desktop")), "a menu entry");
    const notices = readFileSync(installed("lib/Sightline/THIRD-PARTY-NOTICES.txt"), "utf8");
    assert.match(notices, /^svelte \d/m, "what Sightline is built from is said");
    app = await App.start(installed("bin/sightline-desktop"), { SIGHTLINE_LIBRARY: join(place, "library"), XDG_DATA_HOME: join(place, "share") });
    await app.click('[data-testid="try-samples"]');
    await app.find('[data-testid="photo-cell"]');
    const overview = () => app.run(`return window.__TAURI_INTERNALS__.invoke("call", { name: "overview", request: null })`);
    const { folders } = await overview();
    assert.ok(folders[0].path.startsWith(place), `${folders[0].path} is the package's own`);
  } finally {
    await app?.kill();
    rmSync(place, { recursive: true, force: true });
  }
});
