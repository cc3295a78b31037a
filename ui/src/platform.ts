/**
 * The one place that knows the shell. Tests and the browser preview put another platform in.
 */
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { getCurrentWebview } from "@tauri-apps/api/webview";
import { open, save } from "@tauri-apps/plugin-dialog";
import type { Events, Rpc } from "./api/bindings";

export type PictureSize = "thumb" | "screen" | "full";

/** What happens to files that are dragged over the window. */
export type FileDrop = { kind: "over" | "leave" } | { kind: "drop"; paths: string[] };

export interface Platform {
  call<K extends keyof Rpc>(name: K, request: Rpc[K][0]): Promise<Rpc[K][1]>;
  /** Resolves to a function that stops listening. */
  listen<K extends keyof Events>(name: K, heard: (event: Events[K]) => void): Promise<() => void>;
  onFileDrop(heard: (drop: FileDrop) => void): Promise<() => void>;
  pictureUrl(size: PictureSize, photo: number): string;
  /** The folder chosen, or null. */
  chooseFolder(title: string): Promise<string | null>;
  /** The file to write, or null. */
  chooseFileToSave(title: string, name: string): Promise<string | null>;
  /** A file with one of these endings to read, or null. */
  chooseFile(title: string, endings: string[]): Promise<string | null>;
  copyText(text: string): Promise<void>;
}

/** Windows and Android serve custom protocols as `http://NAME.localhost`. */
const pictureBase = navigator.userAgent.includes("Windows") ? "http://sightline.localhost" : "sightline://localhost";

const tauri: Platform = {
  call: (name, request) => invoke("call", { name, request }),
  listen: (name, heard) => listen(name, (event) => heard(event.payload as never)),
  onFileDrop: (heard) =>
    getCurrentWebview().onDragDropEvent(({ payload }) => {
      if (payload.type === "drop") heard({ kind: "drop", paths: payload.paths });
      else if (payload.type === "leave") heard({ kind: "leave" });
      else heard({ kind: "over" });
    }),
  pictureUrl: (size, photo) => `${pictureBase}/${size}/${photo}`,
  chooseFolder: async (title) => await open({ title, directory: true, multiple: false }),
  chooseFileToSave: async (title, name) => {
    const own = name.split(".").at(-1) ?? "";
    const kinds = (own === "csv" ? ["csv", "json"] : [own]).map((kind) => ({ name: kind.toUpperCase(), extensions: [kind] }));
    return await save({ title, defaultPath: name, filters: kinds });
  },
  chooseFile: async (title, endings) => await open({ title, multiple: false, filters: [{ name: title, extensions: endings }] }),
  copyText: (text) => navigator.clipboard.writeText(text),
};

let current: Platform = tauri;

export function platform(): Platform {
  return current;
}

/** Replaces the shell; for tests and the preview in a browser. */
export function usePlatform(other: Platform): void {
  current = other;
}
