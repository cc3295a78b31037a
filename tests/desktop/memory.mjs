/** How much memory the app takes, all its processes together, as Linux counts it. */
import { readdirSync, readFileSync } from "node:fs";

/** The app itself, its page, what loads for the page, and the workers that decode photos. */
export const PARTS = ["app", "page", "network", "workers"];

/** A file of /proc; null when its process has ended. */
function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return null;
  }
}

/** The processes below one, each with the part that it plays. */
export function processes(ancestor) {
  const children = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number)) {
    // After the name in brackets: the state, then the parent.
    const parent = Number(read(pid, "stat")?.split(") ").at(-1)?.split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const below = (pid) => (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(ancestor).flatMap((pid) => {
    const name = read(pid, "comm")?.trim();
    if (name === undefined) return [];
    if (name.startsWith("WebKitWebProc")) return [{ pid, part: "page" }];
    if (name.startsWith("WebKitNetwork")) return [{ pid, part: "network" }];
    // A worker is named after the link that it was started by.
    if (read(pid, "cmdline")?.includes("--decode-photos-for-parent")) return [{ pid, part: "workers" }];
    return name.startsWith("sightline") ? [{ pid, part: "app" }] : [];
  });
}

/**
 * Memory of the processes below one, in millions of bytes: for each part and as `total`, `rss` counts what processes
 * share once for each of them, `pss` in equal shares.
 */
export function memory(ancestor) {
  const sums = Object.fromEntries([...PARTS, "total"].map((part) => [part, { processes: 0, rss: 0, pss: 0 }]));
  for (const { pid, part } of processes(ancestor)) {
    const rollup = read(pid, "smaps_rollup");
    if (!rollup) continue;
    const megabytes = (what) => (Number(new RegExp(`^${what}: *(\\d+) kB$`, "m").exec(rollup)?.[1] ?? 0) * 1024) / 1e6;
    for (const sum of [sums[part], sums.total]) {
      sum.processes += 1;
      sum.rss += megabytes("Rss");
      sum.pss += megabytes("Pss");
    }
  }
  return sums;
}
