/** The models that there are, and what is asked before one is fetched, used, removed or freed. */
import type { JobRow, ModelRow, Models as Found, SwitchPlan } from "../api/bindings";
import { call } from "../api/call";
import { choose } from "./choose";

/** What a dialog asks about a model. */
export type Question =
  | { kind: "get"; model: ModelRow; accepted: boolean; keepOriginal: boolean }
  | { kind: "use"; model: ModelRow; plan: SwitchPlan | null }
  | { kind: "remove" | "free"; model: ModelRow };

/** The models that are offered to somebody who has none but the bundled one, the best for most computers first. */
const OFFERED = ["multilingual-fast", "standard"];

/** Kinds of jobs after which the list is another. */
const KINDS = new Set(["fetch", "import_model", "switch_model", "free_vectors", "verify_model", "index"]);

export class Models {
  found = $state.raw<Found | null>(null);
  question = $state<Question | null>(null);
  /** Whether Settings are opened for the sake of models. */
  wanted = $state(false);
  #asked = 0;

  async refresh(): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    const found = await call("models", null);
    if (asked === this.#asked) this.found = found;
  }

  /** Reads the list again after a job that changes it. */
  async hear(job: JobRow): Promise<void> {
    const over = job.state === "done" || job.state === "failed" || job.state === "cancelled";
    if (over && KINDS.has(job.kind)) await this.refresh();
  }

  /** The model to offer to somebody who has none but the bundled one. */
  get offered(): ModelRow | null {
    const models = this.found?.models ?? [];
    const searches = models.filter(({ purposes }) => purposes.length === 0 || purposes.includes("search"));
    if (searches.some(({ state }) => state === "installed" || state === "begun" || state === "absent")) return null;
    const named = (name: string) => models.find((model) => model.name === name && model.state === "offered" && model.offer !== null);
    return OFFERED.map(named).find((model) => model !== undefined) ?? null;
  }

  /** Whether the disk has room for what is asked about. */
  get hasRoom(): boolean {
    const { question, found } = this;
    const offer = question?.kind === "get" ? question.model.offer : null;
    if (offer === null || offer === undefined || found === null || found.free_bytes === null) return true;
    return found.free_bytes >= offer.bytes + offer.bytes_on_disk - (question?.model.bytes_on_disk ?? 0);
  }

  askGet(model: ModelRow): void {
    this.question = { kind: "get", model, accepted: false, keepOriginal: false };
  }

  askRemove(model: ModelRow): void {
    this.question = { kind: "remove", model };
  }

  askFree(model: ModelRow): void {
    this.question = { kind: "free", model };
  }

  /** Asks what it takes to use a model, which is tried on a few photos. */
  async askUse(model: ModelRow): Promise<void> {
    this.question = { kind: "use", model, plan: null };
    try {
      const plan = await call("switch_plan", { name: model.name });
      if (this.question?.kind === "use" && this.question.model.name === model.name) this.question = { kind: "use", model, plan };
    } catch (reason) {
      if (this.question?.kind === "use" && this.question.model.name === model.name) this.question = null;
      throw reason;
    }
  }

  close(): void {
    this.question = null;
  }

  /** Does what was asked about; gives the job that does it, or the bytes that came free. */
  async confirm(): Promise<{ job: JobRow } | { bytes: number } | null> {
    const { question } = this;
    if (question === null) return null;
    const { name } = question.model;
    const done = async (): Promise<{ job: JobRow } | { bytes: number } | null> => {
      switch (question.kind) {
        case "get": {
          const { offer } = question.model;
          if (offer === null || !question.accepted) return null;
          return { job: await call("get_model", { name, licence: offer.licence, keep_original: question.keepOriginal }) };
        }
        case "use":
          return question.plan === null ? null : { job: await call("use_model", { name }) };
        case "free":
          return { job: await call("free_vectors", { name }) };
        case "remove": {
          const { bytes } = await call("remove_model", { name });
          await this.refresh();
          return { bytes };
        }
      }
    };
    const result = await done();
    if (result !== null) this.close();
    return result;
  }

  /** Uses a model that describes or answers no more. */
  async stopUsing(model: ModelRow): Promise<void> {
    await call("stop_using_model", { name: model.name });
    await this.refresh();
  }

  /** Takes a model from a folder that the person chooses; null where they choose none. */
  async importFolder(title: string): Promise<JobRow | null> {
    const chosen = await choose("import_model", title);
    return chosen === null ? null : await call("import_model", { folder: chosen.grant });
  }

  /** Holds a model against its checksums and tries it on the sample photos. */
  check(model: ModelRow): Promise<JobRow> {
    return call("verify_model", { name: model.name });
  }
}
