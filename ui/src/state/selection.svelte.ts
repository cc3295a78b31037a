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

  /** Selects from the last photo chosen to this one. */
  extendTo(ids: readonly number[], index: number): void {
    this.cursor = index;
    const [from, to] = [Math.min(this.#anchor, index), Math.max(this.#anchor, index)];
    this.photos = new Set(ids.slice(from, to + 1));
  }

  all(ids: readonly number[]): void {
    this.photos = new Set(ids);
  }

  /** Puts the cursor on a photo and leaves the selection as it is. */
  moveTo(index: number): void {
    this.cursor = Math.max(0, index);
    this.#anchor = this.cursor;
  }

  /** Forgets photos that are no longer shown; keeps the cursor on its photo. */
  keepOnly(before: readonly number[], after: readonly number[]): void {
    const under = before[this.cursor];
    const moved = under === undefined ? -1 : after.indexOf(under);
    this.moveTo(moved >= 0 ? moved : Math.min(this.cursor, Math.max(0, after.length - 1)));
    if (this.photos.size === 0) return;
    const shown = new Set(after);
    const kept = [...this.photos].filter((photo) => shown.has(photo));
    if (kept.length !== this.photos.size) this.photos = new Set(kept);
  }
}
