/** The lock file serves every system that Sightline is built on, whichever wrote it: `npm ci` needs no other. */
import { expect, test } from "vitest";

import lock from "../../package-lock.json";

const systems = ["linux-x64", "darwin-arm64", "win32-x64"];
const native: [string, string][] = [
  ["esbuild", "node_modules/@esbuild/"],
  ["rollup", "node_modules/@rollup/rollup-"],
  ["the Tauri command line", "node_modules/@tauri-apps/cli-"],
];

test.each(native)("%s is locked for each system", (_, prefix) => {
  const locked = Object.keys(lock.packages);
  for (const system of systems) {
    expect(locked.filter((name) => name.startsWith(prefix + system)), system).not.toEqual([]);
  }
});

test("the lock file names no registry", () => {
  expect(JSON.stringify(lock)).not.toContain('"resolved"');
});
