import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => ({
  cacheDir: "../node_modules/.vite",
  plugins: [svelte()],
  // Vitest runs components in jsdom, so it needs Svelte's browser build.
  resolve: mode === "test" ? { conditions: ["browser"] } : {},
  build: { target: "es2022", outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, license: { fileName: "licenses.json" } },
  // The whole window is rendered: on a machine that is busy that takes long.
  test: { environment: "jsdom", include: ["src/**/*.spec.ts"], testTimeout: 60_000 },
}));
