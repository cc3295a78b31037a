/** Duplicates: looked for, gone through group by group, and moved to the trash only at the end. */
import type { DuplicateFile, DuplicateGroup, JobRow, KeepOne, TrashUndone } from "../api/bindings";
import { call } from "../api/call";

/** Groups that are gone through at a time. */
const AT_ONCE = 200;

const key = (group: DuplicateGroup) => group.photos.join(" ");
const isOver = (job: JobRow) => job.state === "done" || job.state === "failed" || job.state === "cancelled";

/** What the groups decided on come to. */
export interface Total {
  groups: number;
  files: number;
  bytes: number;
}

export class Duplicates {
  looked = $state(false);
  count = $state(0);
  freedBytes = $state(0);
  groups = $state.raw<DuplicateGroup[]>([]);
  /** Index of the group that is shown. */
  at = $state(0);
  /** Files that could be taken out of the trash. */
  undoable = $state(0);
  /** The search or the move under way. */
  job = $state.raw<JobRow | null>(null);
  /** By group, the index of the file that stays; the best where nothing else was chosen. */
  kept = $state.raw<ReadonlyMap<string, number>>(new Map());
  /** Groups of which the other files shall go. */
  decided = $state.raw<ReadonlySet<string>>(new Set());

  current = $derived(this.groups[this.at] ?? null);
  total = $derived.by<Total>(() => {
    const chosen = this.groups.filter((group) => this.isDecided(group));
    const gone = chosen.flatMap((group) => this.others(group));
    return { groups: chosen.length, files: gone.length, bytes: gone.reduce((sum, file) => sum + file.size_bytes, 0) };
  });

  /** Jobs known to be over: of a quick one the reply comes after the event that tells of its end. */
  #over = new Set<number>();
  #refused: { group: DuplicateGroup; place: number }[] = [];

  async refresh(): Promise<void> {
    const { looked, count, freed_bytes, groups, undoable } = await call("duplicates", { limit: AT_ONCE });
    this.looked = looked;
    this.count = count;
    this.freedBytes = freed_bytes;
    this.undoable = undoable;
    this.groups = groups;
    this.at = Math.min(this.at, Math.max(0, groups.length - 1));
    const there = new Set(groups.map(key));
    this.decided = new Set([...this.decided].filter((group) => there.has(group)));
    this.kept = new Map([...this.kept].filter(([group]) => there.has(group)));
  }

  async look(): Promise<JobRow> {
    return this.#begun(await call("find_duplicates", null));
  }

  /** Hears of every job; shows what came of those about duplicates. */
  async hear(job: JobRow): Promise<void> {
    if (job.kind !== "duplicates" && job.kind !== "trash") return;
    this.job = isOver(job) ? null : job;
    if (!isOver(job)) return;
    this.#over.add(job.id);
    if (job.kind === "trash") this.decided = new Set();
    this.#refused = [];
    await this.refresh();
  }

  keptIndex(group: DuplicateGroup): number {
    return Math.min(this.kept.get(key(group)) ?? 0, group.files.length - 1);
  }

  others(group: DuplicateGroup): DuplicateFile[] {
    const kept = this.keptIndex(group);
    return group.files.filter((_, index) => index !== kept);
  }

  isDecided(group: DuplicateGroup): boolean {
    return this.decided.has(key(group));
  }

  /** Chooses which file of the shown group stays. */
  choose(index: number): void {
    const group = this.current;
    if (group === null || index < 0 || index >= group.files.length) return;
    this.kept = new Map(this.kept).set(key(group), index);
  }

  /** Decides on the shown group, and goes on to the next. */
  keep(): void {
    const group = this.current;
    if (group === null) return;
    this.decided = new Set(this.decided).add(key(group));
    this.step(1);
  }

  /** Leaves the shown group as it is, and goes on to the next. */
  skip(): void {
    const group = this.current;
    if (group === null) return;
    this.#undecide(group);
    this.step(1);
  }

  keepAllBest(): void {
    this.decided = new Set(this.groups.map(key));
  }

  decideNothing(): void {
    this.decided = new Set();
  }

  step(by: number): void {
    this.at = Math.min(Math.max(0, this.at + by), Math.max(0, this.groups.length - 1));
  }

  /** Remembers that the photos of the shown group are no duplicates. */
  async refuse(): Promise<void> {
    const group = this.current;
    if (group === null) return;
    const place = this.at;
    await call("no_duplicates", { photos: group.photos, undo: false });
    this.#undecide(group);
    this.#refused.push({ group, place });
    this.groups = this.groups.filter((other) => other !== group);
    this.#changed(-1, group);
  }

  /** Takes back the last refusal, if there was one. */
  async undo(): Promise<void> {
    const last = this.#refused.pop();
    if (last === undefined) return;
    const { group, place } = last;
    await call("no_duplicates", { photos: group.photos, undo: true });
    this.groups = [...this.groups.slice(0, place), group, ...this.groups.slice(place)];
    this.#changed(1, group);
    this.at = place;
  }

  /** Moves the other files of all groups decided on to the trash. */
  async trash(): Promise<JobRow> {
    const chosen = this.groups.filter((group) => this.isDecided(group));
    const groups = chosen.flatMap((group): KeepOne[] => {
      const kept = group.files[this.keptIndex(group)];
      return kept === undefined ? [] : [{ kept: kept.place, gone: this.others(group).map((file) => file.place) }];
    });
    return this.#begun(await call("trash_duplicates", { groups }));
  }

  async undoTrash(): Promise<TrashUndone> {
    const undone = await call("undo_trash", null);
    await this.refresh();
    return undone;
  }

  #begun(job: JobRow): JobRow {
    if (!this.#over.has(job.id)) this.job = job;
    return job;
  }

  #undecide(group: DuplicateGroup): void {
    this.decided = new Set([...this.decided].filter((other) => other !== key(group)));
  }

  #changed(by: number, group: DuplicateGroup): void {
    this.count += by;
    this.freedBytes += by * group.freed_bytes;
    this.at = Math.min(this.at, Math.max(0, this.groups.length - 1));
  }
}
