/**
 * What keys and the menu of a photo do: one `register` an action. The list of shortcuts is made from the same registry.
 */
import type { Messages } from "../i18n/en";
import { platform } from "../platform";
import type { AppState } from "./app.svelte";
import { STEP } from "./open_photo.svelte";

export interface Action {
  /** What it does, for the list of shortcuts. */
  label: (messages: Messages) => string;
  /** Keys, as in `KeyboardEvent.key`, `Mod+` before them for Ctrl or Command. None for what only the menu has. */
  keys: string[];
  where: "everywhere" | "inGrid" | "inViewer";
  /** Whether its keys are its own now; always, if absent. */
  applies?: (app: AppState) => boolean;
  /** Its place in the menu of a photo, for what stands there too. */
  inMenu?: MenuPlace;
  perform: (app: AppState, key: string) => void;
}

/** Where an action stands in the menu of a photo. */
export interface MenuPlace {
  /** Actions of a group are together; groups are in their order. */
  group: 1 | 2 | 3;
  /** Whether it makes sense for these photos; always, if absent. */
  fits?: (app: AppState, photos: readonly number[]) => boolean;
  /** Whether it can be chosen now, or only be seen; always, if absent. */
  ready?: (app: AppState) => boolean;
  /** Whether choosing it shows more to choose from. */
  more?: boolean;
  /** Whether it stands in the menu of the room between photos, and not in that of photos. */
  background?: boolean;
}

const registry: Action[] = [];

export function register(action: Action): void {
  registry.push(action);
}

export function actions(where: Action["where"]): readonly Action[] {
  return registry.filter((action) => action.where === where);
}

const MOD = navigator.userAgent.includes("Mac") ? "⌘" : "Ctrl";
const NAMES: Record<string, string> = {
  " ": "Space",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  ContextMenu: "Menu",
};

/** A key as it is written on keyboards. */
export function keyName(key: string): string {
  return NAMES[key] ?? key.replace("Mod", MOD).replace(/(^|\+)([a-z])$/, (_, plus: string, letter: string) => plus + letter.toUpperCase());
}

/** What the menu of these photos has, in its groups. */
export function menuOf(app: AppState, where: Action["where"], photos: readonly number[]): Action[][] {
  const between = photos.length === 0;
  const fitting = actions(where).filter(
    ({ inMenu }) => inMenu !== undefined && (inMenu.background ?? false) === between && (inMenu.fits?.(app, photos) ?? true),
  );
  return [1, 2, 3].map((group) => fitting.filter(({ inMenu }) => inMenu?.group === group)).filter((group) => group.length > 0);
}

/** Performs what a key press means here; tells whether it meant something. */
export function press(app: AppState, event: KeyboardEvent, where: Action["where"]): boolean {
  if (event.altKey) return false;
  const shifted = event.shiftKey && /^F\d+$/.test(event.key) ? `Shift+${event.key}` : event.key;
  const key = event.ctrlKey || event.metaKey ? `Mod+${event.key.toLowerCase()}` : shifted;
  // Text that is selected is what is copied.
  if (key === "Mod+c" && getSelection()?.isCollapsed === false) return false;
  const action = registry.find((action) => action.where === where && action.keys.includes(key) && (action.applies?.(app) ?? true));
  if (action === undefined) return false;
  event.preventDefault();
  action.perform(app, key);
  return true;
}

/** Whether a key press is text being typed. */
export function isTyping(event: KeyboardEvent): boolean {
  return isTextField(event.target);
}

/** Whether text can be typed into something. */
export function isTextField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target instanceof HTMLTextAreaElement ||
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
  label: (m) => m.hand.fullScreen,
  keys: ["F11"],
  where: "everywhere",
  perform: fillScreen,
});
register({
  label: (m) => m.search.clear,
  keys: [],
  where: "inGrid",
  inMenu: { group: 2, background: true, fits: (app) => app.results.isSearch },
  perform: (app) => void app.results.clear(),
});
register({
  label: (m) => m.first.choose,
  keys: [],
  where: "inGrid",
  inMenu: { group: 2, background: true, fits: (app) => !app.opening.readOnly },
  perform: (app) => void app.chooseFolder(),
});
register({
  label: (m) => m.hand.fullScreen,
  keys: [],
  where: "inGrid",
  inMenu: { group: 3, background: true },
  perform: fillScreen,
});
register({
  label: (m) => m.help.selectAll,
  keys: ["Mod+a"],
  where: "inGrid",
  inMenu: { group: 1, background: true },
  perform: (app) => app.selection.all(app.results.ids),
});
register({
  label: (m) => m.help.openPhoto,
  keys: ["Enter", " "],
  where: "inGrid",
  inMenu: { group: 1 },
  perform: (app) => {
    if (app.results.ids.length > 0) app.opened = app.selection.cursor;
  },
});
register({
  label: (m) => m.help.back,
  keys: ["Escape"],
  where: "inGrid",
  perform: (app) => {
    // An album, a folder or the captions to review are left by choosing another place, never by this key.
    if (app.selection.size > 0) app.selection.clear();
    else if (app.results.isSearch) void app.results.clear();
  },
});
register({
  label: (m) => m.help.addToLast,
  keys: ["b"],
  where: "inGrid",
  perform: addToLastAlbum,
});
register({
  label: (m) => m.help.similar,
  keys: ["s"],
  where: "inGrid",
  inMenu: { group: 1, fits: isSingle },
  perform: showSimilar,
});
register({
  label: (m) => m.menu.addToAlbum,
  keys: [],
  where: "inGrid",
  inMenu: { group: 1, more: true },
  perform: (app) => app.photoMenu.showAlbums(),
});
register({
  label: (m) => m.selection.removeFromAlbum,
  keys: ["Delete", "Backspace"],
  where: "inGrid",
  applies: (app) => app.results.scope.kind === "album",
  inMenu: { group: 1, fits: (app) => app.results.scope.kind === "album" },
  perform: (app) => void app.removeFromAlbum(app.chosen()),
});
registerFileActions("inGrid");
register({
  label: (m) => m.menu.select,
  keys: [],
  where: "inGrid",
  inMenu: { group: 3, fits: (app, photos) => !photos.every((photo) => app.selection.has(photo)) },
  perform: (app) => app.selection.choose(app.chosen(), true),
});
register({
  label: (m) => m.menu.deselect,
  keys: [],
  where: "inGrid",
  inMenu: { group: 3, fits: (app, photos) => photos.every((photo) => app.selection.has(photo)) },
  perform: (app) => app.selection.choose(app.chosen(), false),
});
register({
  label: (m) => m.menu.show,
  keys: ["ContextMenu", "Shift+F10"],
  where: "inGrid",
  perform: showMenu,
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
  label: (m) => m.hand.wholeSize,
  keys: ["z"],
  where: "inViewer",
  perform: (app) => app.openPhoto.toggleWholeSize(devicePixelRatio),
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
  perform: (app) => void app.describeOpen(),
});
register({
  label: (m) => m.ask.label,
  keys: ["q"],
  where: "inViewer",
  perform: (app) => app.question.open(),
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
  inMenu: { group: 1 },
  perform: showSimilar,
});
register({
  label: (m) => m.menu.addToAlbum,
  keys: [],
  where: "inViewer",
  inMenu: { group: 1, more: true },
  perform: (app) => app.photoMenu.showAlbums(),
});
registerFileActions("inViewer");
register({
  label: (m) => m.menu.show,
  keys: ["ContextMenu", "Shift+F10"],
  where: "inViewer",
  perform: showMenu,
});
register({
  label: (m) => m.help.addToLast,
  keys: ["b"],
  where: "inViewer",
  perform: addToLastAlbum,
});

/** What is done with the file of one photo, and with its caption. */
function registerFileActions(where: Action["where"]): void {
  register({
    label: (m) => m.hand.copy,
    keys: ["Mod+c"],
    where,
    inMenu: { group: 2 },
    perform: (app) => void app.copyPhotos(app.chosen()),
  });
  register({
    label: (m) => m.selection.reveal,
    keys: [],
    where,
    inMenu: { group: 2, fits: isSingle },
    perform: (app) => app.chosen().forEach((photo) => void app.reveal(photo)),
  });
  register({
    label: (m) => m.selection.copyPath,
    keys: [],
    where,
    inMenu: { group: 2, fits: isSingle },
    perform: (app) => app.chosen().forEach((photo) => void app.copyPath(photo)),
  });
  register({
    label: (m) => m.menu.copyCaption,
    keys: [],
    where,
    inMenu: { group: 2, fits: isSingle, ready: (app) => app.photoMenu.caption !== null },
    perform: (app) => void app.copyCaption(app.photoMenu.caption),
  });
}

registerTrash("inGrid");
registerTrash("inViewer");
registerForget("inGrid");
registerForget("inViewer");

/** In an album the key takes photos out of it instead. */
function registerTrash(where: Action["where"]): void {
  register({
    label: (m) => m.hand.trash,
    keys: ["Delete"],
    where,
    applies: (app) => where === "inViewer" || app.results.scope.kind !== "album",
    inMenu: { group: 3, fits: (app) => !app.opening.readOnly },
    perform: (app) => void app.moveToTrash(app.chosen()),
  });
}

function fillScreen(app: AppState): void {
  void app.attempt(() => platform().toggleFullScreen());
}

/** Last in the menu: nothing brings it back. */
function registerForget(where: Action["where"]): void {
  register({
    label: (m) => m.forgetting.action,
    keys: [],
    where,
    inMenu: { group: 3, fits: (app) => !app.opening.readOnly },
    perform: (app) => {
      const photos = app.chosen();
      if (photos.length > 0) void app.attempt(() => app.forgetting.ask({ kind: "photos", photos }));
    },
  });
}

function isSingle(_app: AppState, photos: readonly number[]): boolean {
  return photos.length === 1;
}

/** Opens the menu of the photo that has the keyboard, in its middle. */
function showMenu(app: AppState): void {
  const photo = app.results.ids[app.opened ?? app.selection.cursor];
  if (photo === undefined) return;
  const shown = app.opened === null ? `[role="option"][data-photo="${photo}"]` : `[role="dialog"][data-photo="${photo}"]`;
  const { left, top, width, height } = (document.querySelector(shown) ?? document.body).getBoundingClientRect();
  void app.attempt(() => app.photoMenu.open(app.together(photo), { x: left + width / 2, y: top + height / 2 }, true));
}

function showSimilar(app: AppState): void {
  const photo = app.chosen()[0];
  if (photo !== undefined) app.showLike({ kind: "photo", photo });
}

function addToLastAlbum(app: AppState): void {
  const album = app.albums.lastUsed;
  const photos = app.chosen();
  if (album !== null && photos.length > 0) void app.addToAlbum(album, photos);
}
