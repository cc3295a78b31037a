/**
 * What keys do: one `register` an action. The list of shortcuts is made from the same registry.
 */
import type { Messages } from "../i18n/en";
import type { AppState } from "./app.svelte";
import { STEP } from "./open_photo.svelte";

export interface Action {
  /** What it does, for the list of shortcuts. */
  label: (messages: Messages) => string;
  /** Keys, as in `KeyboardEvent.key`, `Mod+` before them for Ctrl or Command. */
  keys: string[];
  where: "everywhere" | "inGrid" | "inViewer";
  perform: (app: AppState, key: string) => void;
}

const registry: Action[] = [];

export function register(action: Action): void {
  registry.push(action);
}

export function actions(where: Action["where"]): readonly Action[] {
  return registry.filter((action) => action.where === where);
}

/** Performs what a key press means here; tells whether it meant something. */
export function press(app: AppState, event: KeyboardEvent, where: Action["where"]): boolean {
  const key = event.ctrlKey || event.metaKey ? `Mod+${event.key.toLowerCase()}` : event.key;
  if (event.altKey) return false;
  const action = registry.find((action) => action.where === where && action.keys.includes(key));
  if (action === undefined) return false;
  event.preventDefault();
  action.perform(app, key);
  return true;
}

/** Whether a key press is text being typed. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target instanceof HTMLTextAreaElement ||
      target instanceof HTMLSelectElement ||
      (target instanceof HTMLInputElement && target.type !== "range" && target.type !== "checkbox"))
  );
}

export const SEARCH_INPUT = "search-input";

register({
  label: (m) => m.help.focusSearch,
  keys: ["/", "Mod+f"],
  where: "everywhere",
  perform: (app) => {
    app.view = "photos";
    app.opened = null;
    queueMicrotask(() => document.getElementById(SEARCH_INPUT)?.focus());
  },
});
register({
  label: (m) => m.help.title,
  keys: ["?"],
  where: "everywhere",
  perform: (app) => {
    app.helpOpen = !app.helpOpen;
  },
});
register({
  label: (m) => m.help.selectAll,
  keys: ["Mod+a"],
  where: "inGrid",
  perform: (app) => app.selection.all(app.results.ids),
});
register({
  label: (m) => m.help.openPhoto,
  keys: ["Enter", " "],
  where: "inGrid",
  perform: (app) => {
    if (app.results.ids.length > 0) app.opened = app.selection.cursor;
  },
});
register({
  label: (m) => m.help.back,
  keys: ["Escape"],
  where: "inGrid",
  perform: (app) => {
    if (app.selection.size > 0) app.selection.clear();
    else if (app.results.isSearch) void app.results.clear();
    else if (app.results.scope.kind !== "all") app.show({ kind: "all" });
  },
});
register({
  label: (m) => m.help.addToLast,
  keys: ["b"],
  where: "inGrid",
  perform: addToLastAlbum,
});
register({
  label: (m) => m.selection.removeFromAlbum,
  keys: ["Delete", "Backspace"],
  where: "inGrid",
  perform: (app) => void app.removeFromAlbum(app.chosen()),
});
register({
  label: (m) => m.help.similar,
  keys: ["s"],
  where: "inGrid",
  perform: showSimilar,
});
register({
  label: (m) => m.viewer.next,
  keys: ["ArrowRight", "ArrowDown"],
  where: "inViewer",
  perform: (app) => app.turn(1),
});
register({
  label: (m) => m.viewer.previous,
  keys: ["ArrowLeft", "ArrowUp"],
  where: "inViewer",
  perform: (app) => app.turn(-1),
});
register({
  label: (m) => m.viewer.zoomIn,
  keys: ["+", "="],
  where: "inViewer",
  perform: (app) => app.openPhoto.zoomBy(STEP),
});
register({
  label: (m) => m.viewer.zoomOut,
  keys: ["-"],
  where: "inViewer",
  perform: (app) => app.openPhoto.zoomBy(1 / STEP),
});
register({
  label: (m) => m.viewer.fit,
  keys: ["0"],
  where: "inViewer",
  perform: (app) => app.openPhoto.fit(),
});
register({
  label: (m) => m.viewer.info,
  keys: ["i"],
  where: "inViewer",
  perform: (app) => {
    app.openPhoto.infoOpen = !app.openPhoto.infoOpen;
  },
});
register({
  label: (m) => m.caption.describe,
  keys: ["c"],
  where: "inViewer",
  perform: (app) => void app.attempt(() => app.captions.describe()),
});
register({
  label: (m) => m.caption.edit,
  keys: ["e"],
  where: "inViewer",
  perform: (app) => app.captions.edit(),
});
register({
  label: (m) => m.tags.add,
  keys: ["t"],
  where: "inViewer",
  perform: (app) => {
    app.tags.draft ??= "";
  },
});
register({
  label: (m) => m.caption.accept,
  keys: ["a"],
  where: "inViewer",
  perform: (app) => void app.acceptCaption(),
});
register({
  label: (m) => m.viewer.why,
  keys: ["w"],
  where: "inViewer",
  perform: (app) => {
    if (app.results.answered !== "") app.openPhoto.whyOpen = !app.openPhoto.whyOpen;
  },
});
register({
  label: (m) => m.help.back,
  keys: ["Escape", " "],
  where: "inViewer",
  perform: (app) => {
    app.opened = null;
  },
});
register({
  label: (m) => m.help.similar,
  keys: ["s"],
  where: "inViewer",
  perform: showSimilar,
});
register({
  label: (m) => m.help.addToLast,
  keys: ["b"],
  where: "inViewer",
  perform: addToLastAlbum,
});

function showSimilar(app: AppState): void {
  const photo = app.chosen()[0];
  if (photo !== undefined) app.showLike({ kind: "photo", photo });
}

function addToLastAlbum(app: AppState): void {
  const album = app.albums.lastUsed;
  const photos = app.chosen();
  if (album !== null && photos.length > 0) void app.addToAlbum(album, photos);
}
