/** A library of many photos as large as a camera's, made of the samples; its files are there, and an index finds nothing to do. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/** Longest side of a photo of 12 megapixels. */
const LONG_SIDE = 4000;

/** Makes the library in `folder` with the programs of `release`, unless it is there; gives its path. */
export function manyPhotos(folder, release, root, count) {
  const library = join(folder, "library");
  if (existsSync(library)) return library;
  for (const example of ["enlarge", "multiply"]) {
    if (!existsSync(join(release, "examples", example))) throw new Error("build the examples first: cargo build --release --workspace --examples");
  }
  mkdirSync(folder, { recursive: true });
  const [large, small] = [join(folder, "large"), join(folder, "small")];
  execFileSync(join(release, "examples/enlarge"), [join(root, "assets/samples"), large, String(LONG_SIDE)]);
  execFileSync(join(release, "sightline"), ["--library", small, "index", large], { stdio: "ignore" });
  execFileSync(join(release, "examples/multiply"), [small, library, String(count), join(folder, "photos")]);
  return library;
}
