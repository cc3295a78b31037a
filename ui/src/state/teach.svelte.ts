/** Teaching: which albums, what would be learned, the lesson under way, and the versions that came of lessons. */
import type { CurvePoint, Grant, JobRow, TeachDepth, TeachPlan, TeachReport, VersionRow } from "../api/bindings";
import { call } from "../api/call";

/** With no more albums than this all are chosen to begin with. */
const ALL_CHOSEN = 8;
/** The curve is asked for at most this often. */
const CURVE_EVERY_MS = 500;

/** Settings that only those see who look for them; null leaves the depth's own. */
export interface Advanced {
  epochs: number | null;
  learningRate: number | null;
  batch: number | null;
  seed: number;
}

export class Teach {
  chosen = $state<number[]>([]);
  depth = $state<TeachDepth>("adapter");
  advanced = $state<Advanced>({ epochs: null, learningRate: null, batch: null, seed: 0 });
  plan = $state.raw<TeachPlan | null>(null);
  versions = $state.raw<VersionRow[]>([]);
  /** The lesson under way. */
  job = $state.raw<JobRow | null>(null);
  curve = $state.raw<CurvePoint[]>([]);
  report = $state.raw<TeachReport | null>(null);

  active = $derived(this.versions.find((version) => version.active) ?? null);

  #plans = 0;
  #begun = false;
  #curveAt = 0;

  /** Chooses albums that have photos, the first time there are some. */
  begin(albums: { id: number; photos: number }[]): void {
    const full = albums.filter((album) => album.photos > 0);
    if (this.#begun || full.length === 0) return;
    this.#begun = true;
    if (full.length <= ALL_CHOSEN) this.chosen = full.map((album) => album.id);
  }

  toggle(album: number): void {
    this.chosen = this.chosen.includes(album) ? this.chosen.filter((id) => id !== album) : [...this.chosen, album];
  }

  /** Asks what would be learned of the chosen albums. */
  async look(): Promise<void> {
    this.#plans += 1;
    const asked = this.#plans;
    if (this.chosen.length === 0) {
      this.plan = null;
      return;
    }
    const plan = await call("teach_plan", { albums: [...this.chosen] });
    if (asked === this.#plans) this.plan = plan;
  }

  async refresh(): Promise<void> {
    this.versions = await call("versions", null);
  }

  async start(): Promise<JobRow> {
    const { epochs, learningRate, batch, seed } = this.advanced;
    this.curve = [];
    this.report = null;
    this.#curveAt = 0;
    this.job = await call("teach_start", {
      albums: [...this.chosen],
      depth: this.depth,
      epochs,
      learning_rate: learningRate,
      batch,
      seed,
    });
    return this.job;
  }

  /** Hears of every job; follows lessons, and shows the report of one that ends. */
  async hear(job: JobRow): Promise<void> {
    if (job.kind === "activate" && job.state === "done") await this.refresh();
    if (job.kind !== "teach") return;
    const over = job.state === "done" || job.state === "failed" || job.state === "cancelled";
    this.job = over ? null : job;
    const now = Date.now();
    if (!over && now - this.#curveAt < CURVE_EVERY_MS) return;
    this.#curveAt = now;
    const { points, version } = await call("teach_curve", { job: job.id });
    this.curve = points;
    if (job.state !== "done") return;
    await this.refresh();
    if (version !== null) await this.open(version);
  }

  async open(version: number): Promise<void> {
    this.report = await call("teach_report", { version });
  }

  close(): void {
    this.report = null;
  }

  use(version: number): Promise<JobRow> {
    return call("activate_version", { version });
  }

  goBack(): Promise<JobRow> {
    return call("rollback_version", null);
  }

  async remove(version: number): Promise<void> {
    await call("remove_version", { version });
    if (this.report?.version.id === version) this.report = null;
    await this.refresh();
  }

  async exportTo(version: number, file: Grant): Promise<void> {
    await call("export_version", { version, file });
  }

  async importFrom(file: Grant): Promise<VersionRow> {
    const version = await call("import_version", { file });
    await this.refresh();
    return version;
  }
}
