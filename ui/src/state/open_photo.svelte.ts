/** The photo that is open: what is known of it, how it is zoomed, and where it matched. */
import type { HeatMap, PhotoDetail } from "../api/bindings";
import { call } from "../api/call";
import { clamped, FIT, fitted, type Pan, zoomAt } from "./zoom";

/** What one press of a key or button zooms by. */
export const STEP = 1.5;

export class OpenPhoto {
  photo = $state(-1);
  detail = $state.raw<PhotoDetail | null>(null);
  /** Whether it cannot be shown. */
  broken = $state(false);
  /** Room for it on the screen. */
  room = $state.raw({ width: 800, height: 600 });
  pan = $state.raw<Pan>(FIT);
  /** Whether it was zoomed, so that all its pixels are needed. */
  wantsFull = $state(false);
  infoOpen = $state(false);
  whyOpen = $state(false);
  heat = $state.raw<HeatMap | null>(null);
  explaining = $state(false);

  /** Its size on the screen when it is not zoomed. */
  size = $derived(fitted(this.detail ?? { width: 0, height: 0 }, this.room));

  /** What is known of the photos before and after, so that turning to one leaves no empty frame. */
  near = $state.raw<ReadonlyMap<number, PhotoDetail>>(new Map());
  #expected: readonly number[] = [];

  /** Opens a photo. To open the same one again reads it again and leaves zoom and heat map as they are. */
  async turnTo(photo: number): Promise<void> {
    if (photo !== this.photo) {
      this.photo = photo;
      this.detail = this.near.get(photo) ?? null;
      this.heat = null;
      this.pan = FIT;
      this.wantsFull = this.broken = this.explaining = false;
    }
    try {
      const detail = await call("photo", { photo });
      if (photo === this.photo) this.detail = detail;
    } catch {
      if (photo === this.photo) this.broken = true;
    }
  }

  /** Forgets the photo; whether the information is shown is kept for the next. */
  close(): void {
    this.photo = -1;
    this.detail = null;
    this.heat = null;
    this.whyOpen = false;
    this.near = new Map();
    this.#expected = [];
  }

  /** Reads the photos to which one may turn next; what is known of them already is kept. */
  async expect(photos: readonly number[]): Promise<void> {
    this.#expected = photos;
    const unknown = photos.filter((photo) => !this.near.has(photo));
    const found = await Promise.allSettled(unknown.map((photo) => call("photo", { photo })));
    const details = found.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const all = new Map([...this.near.values(), ...details].map((detail) => [detail.id, detail]));
    // Meanwhile others may have come to be expected.
    this.near = new Map([...all].filter(([photo]) => this.#expected.includes(photo)));
  }

  /** The size of a photo's frame on the screen, zoomed or not; all the room until its own is known. */
  frameOf(photo: number): { width: number; height: number; known: boolean } {
    const detail = photo === this.photo ? this.detail : (this.near.get(photo) ?? null);
    return detail === null ? { ...this.room, known: false } : { ...fitted(detail, this.room), known: true };
  }

  /** Asks where in the photo the query is; `asWords` are not understood as anything but what a photo shows. */
  async explain(query: string, asWords: readonly string[] = []): Promise<void> {
    const { photo } = this;
    this.explaining = true;
    try {
      const heat = await call("explain", { photo, query, as_words: [...asWords] });
      if (photo === this.photo) this.heat = heat;
    } finally {
      if (photo === this.photo) this.explaining = false;
    }
  }

  /** Zooms by a factor around a point, given from the middle of the room. */
  zoomBy(factor: number, point = { x: 0, y: 0 }): void {
    this.moveTo(zoomAt(this.pan, factor, point));
  }

  fit(): void {
    this.pan = FIT;
  }

  /** The share of its own size at which the photo is shown: 1 where each of its pixels is one of the screen's. */
  shownShare(pixelRatio: number): number {
    return this.detail === null || this.detail.width === 0 ? 1 : (this.size.width * this.pan.scale * pixelRatio) / this.detail.width;
  }

  /** From the whole photo to its own size, one pixel for each of the screen's, and back. */
  toggleWholeSize(pixelRatio: number): void {
    if (this.pan.scale > 1) this.fit();
    else this.zoomBy(1 / this.shownShare(pixelRatio));
  }

  /** From the whole photo to one pixel for each of the screen's, and back. */
  toggleZoom(point: { x: number; y: number }, pixelRatio: number): void {
    const whole = this.detail === null || this.size.width === 0 ? 2 : this.detail.width / this.size.width / pixelRatio;
    if (this.pan.scale > 1) this.fit();
    else this.zoomBy(Math.max(2, whole), point);
  }

  moveTo(pan: Pan): void {
    this.pan = pan.scale === 1 ? FIT : clamped(pan, this.size, this.room);
    if (this.pan.scale > 1) this.wantsFull = true;
  }
}
