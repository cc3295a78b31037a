import { mount } from "svelte";
import "./app.css";
import App from "./App.svelte";
import { usePlatform } from "./platform";

const preview = new URLSearchParams(location.search).get("fake");
// The condition is a constant in a release build, which drops the preview with it.
if (import.meta.env.DEV && preview !== null) {
  const { fakePlatform } = await import("./fake/platform");
  usePlatform(fakePlatform({ photos: Number(preview) }));
}

const target = document.getElementById("app");
if (target === null) throw new Error("index.html has no #app");
mount(App, { target });
