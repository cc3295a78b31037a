/** Small pictures that did not come: asked for again, later and later, so that a moment's trouble leaves no hole. */

const FIRST_MS = 500;
const TRIES = 6;

/** Asks for a picture again after it could not be loaded. */
export function again(picture: HTMLImageElement): void {
  const tries = Number(picture.dataset["tries"] ?? 0);
  // It is not there to be had; and what is in the page itself comes at once or never.
  if (tries >= TRIES || picture.src.startsWith("data:")) return;
  picture.dataset["tries"] = `${tries + 1}`;
  const { src } = picture;
  setTimeout(() => {
    if (!picture.isConnected || picture.src !== src) return;
    const url = new URL(src);
    url.searchParams.set("again", `${tries + 1}`);
    picture.src = url.href;
  }, FIRST_MS * 2 ** tries);
}
