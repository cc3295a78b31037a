/**
 * The one place that knows the shell. Tests and the browser preview put another platform in.
 */
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Events, Rpc } from "./api/bindings";

export type PictureSize = "thumb" | "screen" | "full";

export interface Platform {
  call<K extends keyof Rpc>(name: K, request: Rpc[K][0]): Promise<Rpc[K][1]>;
  /** Resolves to a function that stops listening. */
  listen<K extends keyof Events>(name: K, heard: (event: Events[K]) => void): Promise<() => void>;
  pictureUrl(size: PictureSize, photo: number): string;
  copyText(text: string): Promise<void>;
}

/** Windows and Android serve custom protocols as `http://NAME.localhost`. */
const pictureBase = navigator.userAgent.includes("Windows") ? "http://sightline.localhost" : "sightline://localhost";

const tauri: Platform = {
  call: (name, request) => invoke("call", { name, request }),
  listen: (name, heard) => listen(name, (event) => heard(event.payload as never)),
  pictureUrl: (size, photo) => `${pictureBase}/${size}/${photo}`,
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
