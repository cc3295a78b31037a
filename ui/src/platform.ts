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
  /** Copies a picture, and a text for where pictures cannot be pasted. */
  copyPicture(url: string, text: string): Promise<void>;
  /** Fills the screen with the window, or gives it back. */
  toggleFullScreen(): Promise<void>;
}

/** Windows and Android serve custom protocols as `http://NAME.localhost`. */
const pictureBase = navigator.userAgent.includes("Windows") ? "http://sightline.localhost" : "sightline://localhost";

/** A picture as PNG: other programs take no other kind from a clipboard. */
async function asPng(url: string): Promise<Blob> {
  const image = new Image();
  image.crossOrigin = "anonymous";
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  canvas.getContext("2d")?.drawImage(image, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob === null) throw new Error("the picture cannot be drawn");
  return blob;
}

const tauri: Platform = {
  call: (name, request) => invoke("call", { name, request }),
  listen: (name, heard) => listen(name, (event) => heard(event.payload as never)),
  pictureUrl: (size, photo) => `${pictureBase}/${size}/${photo}`,
  copyText: (text) => navigator.clipboard.writeText(text),
  copyPicture: (url, text) =>
    navigator.clipboard.write([new ClipboardItem({ "image/png": asPng(url), "text/plain": new Blob([text], { type: "text/plain" }) })]),
  toggleFullScreen: () => (document.fullscreenElement === null ? document.documentElement.requestFullscreen() : document.exitFullscreen()),
};

let current: Platform = tauri;

export function platform(): Platform {
  return current;
}

/** Replaces the shell; for tests and the preview in a browser. */
export function usePlatform(other: Platform): void {
  current = other;
}
