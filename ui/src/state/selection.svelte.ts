/** Which photos are selected, and where the keyboard is. */
export class Selection {
  /** Numbers of the selected photos. */
  photos = $state.raw<ReadonlySet<number>>(new Set());
  /** Index of the photo that the keys act on. */
  cursor = $state(0);
  /** Where a range begins. */
  #anchor = 0;

  get size(): number {
    return this.photos.size;
  }

  has(photo: number): boolean {
    return this.photos.has(photo);
  }

  clear(): void {
    if (this.photos.size > 0) this.photos = new Set();
  }

  /** Selects one photo and nothing else. */
  only(ids: readonly number[], index: number): void {
    this.moveTo(index);
    const photo = ids[index];
    this.photos = new Set(photo === undefined ? [] : [photo]);
  }

  toggle(ids: readonly number[], index: number): void {
    this.moveTo(index);
    const photo = ids[index];
    if (photo === undefined) return;
    const photos = new Set(this.photos);
    if (!photos.delete(photo)) photos.add(photo);
    this.photos = photos;
  }

  /** Selects from where the range begins to this photo. The beginning stays, so that the range can be changed. */
  extendTo(ids: readonly number[], index: number): void {
    this.photos = new Set(this.#range(ids, index));
  }

  /** Adds that range to what is selected already. */
  addUpTo(ids: readonly number[], index: number): void {
    this.photos = new Set([...this.photos, ...this.#range(ids, index)]);
  }

  #range(ids: readonly number[], index: number): number[] {
    this.cursor = index;
    return ids.slice(Math.min(this.#anchor, index), Math.max(this.#anchor, index) + 1);
  }

  all(ids: readonly number[]): void {
    this.photos = new Set(ids);
  }

  /** Selects these photos beside the others, or takes them out. */
  choose(photos: readonly number[], chosen: boolean): void {
    const changed = new Set(this.photos);
    for (const photo of photos) {
      if (chosen) changed.add(photo);
      else changed.delete(photo);
    }
    this.photos = changed;
  }

  /** Puts the cursor on a photo and leaves the selection as it is; the next range begins here. */
  moveTo(index: number): void {
    this.cursor = Math.max(0, index);
    this.#anchor = this.cursor;
  }

  /** Forgets photos that are no longer shown; keeps the cursor, and where a range begins, on their photos. */
  keepOnly(before: readonly number[], after: readonly number[]): void {
    const moved = (index: number) => {
      const photo = before[index];
      const now = photo === undefined ? -1 : after.indexOf(photo);
      return now >= 0 ? now : Math.min(index, Math.max(0, after.length - 1));
    };
    this.#anchor = moved(this.#anchor);
    this.cursor = moved(this.cursor);
    if (this.photos.size === 0) return;
    const shown = new Set(after);
    const kept = [...this.photos].filter((photo) => shown.has(photo));
    if (kept.length !== this.photos.size) this.photos = new Set(kept);
  }
}
