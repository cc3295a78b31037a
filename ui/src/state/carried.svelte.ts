/**
 * Photos carried with the pointer from the grid to an album.
 *
 * HTML's own dragging is not used: on Windows the shell takes its events to hear of dropped files.
 */

/** What a hand may tremble without meaning to carry anything, in pixels. */
const TREMBLE = 6;

export class Carried {
  /** Empty while nothing is carried. */
  photos = $state.raw<readonly number[]>([]);
  at = $state.raw({ x: 0, y: 0 });
  /** The album below the pointer. */
  album = $state<number | null>(null);
  /** Whether the last press became a carrying: then it is no click. */
  moved = false;

  #pressed: { x: number; y: number; photos: () => readonly number[] } | null = null;

  /** A press on a photo; only when the pointer moves away is it known which photos go with it. */
  press(x: number, y: number, photos: () => readonly number[]): void {
    this.moved = false;
    this.#pressed = { x, y, photos };
  }

  /** The pointer has moved; `albumAt` tells what lies below a point. */
  move(x: number, y: number, albumAt: (x: number, y: number) => number | null): void {
    if (this.#pressed === null) return;
    const far = Math.hypot(x - this.#pressed.x, y - this.#pressed.y) > TREMBLE;
    if (this.photos.length === 0 && !far) return;
    if (this.photos.length === 0) this.photos = this.#pressed.photos();
    this.moved = true;
    this.at = { x, y };
    this.album = albumAt(x, y);
  }

  /** Lets go; gives what to add to which album. */
  drop(): { album: number; photos: number[] } | null {
    const dropped = this.album === null ? null : { album: this.album, photos: [...this.photos] };
    this.cancel();
    return dropped;
  }

  cancel(): void {
    this.#pressed = null;
    this.photos = [];
    this.album = null;
  }
}
