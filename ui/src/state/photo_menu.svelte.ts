/** The menu of a photo, or of all that are selected: which photos it is about, and where it stands. */
import { call } from "../api/call";

/** A point of the window, in pixels. */
export interface Point {
  x: number;
  y: number;
}

export class PhotoMenu {
  /** The photos it is about; null while it is closed. */
  photos = $state.raw<readonly number[] | null>(null);
  at = $state.raw<Point>({ x: 0, y: 0 });
  /** Whether keys opened it: then they are on its first entry. */
  byKeys = $state(false);
  /** Whether it shows albums to choose from. */
  inAlbums = $state(false);
  /** The caption of its only photo, when there is one. */
  caption = $state.raw<string | null>(null);

  async open(photos: readonly number[], at: Point, byKeys = false): Promise<void> {
    this.photos = photos;
    this.at = at;
    this.byKeys = byKeys;
    this.inAlbums = false;
    this.caption = null;
    const [photo] = photos;
    if (photo === undefined || photos.length > 1) return;
    const { current } = await call("caption", { photo });
    // Meanwhile it may have been opened for others.
    if (this.photos === photos) this.caption = current?.text ?? null;
  }

  showAlbums(): void {
    this.inAlbums = true;
  }

  showActions(): void {
    this.inAlbums = false;
  }

  close(): void {
    this.photos = null;
  }
}
