/** Models, in memory. */
import type { GetModel, JobRow, ModelCard, ModelRequest, ModelRow, Models, SwitchPlan } from "../api/bindings";

interface Library {
  running: (change: Partial<JobRow>) => JobRow;
  photos: number;
  used: (grant: string) => string[];
}

const licence = { licence: "Apache-2.0", licence_url: "https://spdx.org/licenses/Apache-2.0.html" };

function row(change: Partial<ModelRow> & { name: string }): ModelRow {
  return {
    state: "offered",
    reason: null,
    in_use: false,
    summary: "",
    purposes: ["search"],
    languages: null,
    bytes_on_disk: 0,
    offer: null,
    vectors: null,
    proof: null,
    ...change,
  };
}

export function modelHandlers({ running, photos, used }: Library) {
  const models: ModelRow[] = [
    row({ name: "home-1", state: "bundled", in_use: true, summary: "Small and quick", bytes_on_disk: 93_000_000, vectors: { photos, bytes: photos * 2048 } }),
    row({
      name: "standard",
      summary: "The best for English that is still quick",
      languages: "English",
      offer: { repository: "laion/CLIP", licence: "MIT", licence_url: "https://spdx.org/licenses/MIT.html", bytes: 607_000_000, bytes_on_disk: 305_000_000, digest_known: true },
    }),
    row({
      name: "multilingual-fast",
      summary: "About 100 languages at a quarter of the work",
      languages: "about 100",
      offer: { repository: "google/siglip2-base-patch32-256", ...licence, bytes: 1_540_000_000, bytes_on_disk: 790_000_000, digest_known: true },
    }),
    row({
      name: "smolvlm",
      summary: "Answers questions about a photo in sentences, and describes photos; small",
      purposes: ["captions", "questions"],
      languages: "English",
      offer: { repository: "HuggingFaceTB/SmolVLM-256M-Instruct", ...licence, bytes: 516_000_000, bytes_on_disk: 516_000_000, digest_known: true },
    }),
  ];
  const named = (name: string): ModelRow => {
    const model = models.find((model) => model.name === name);
    if (model === undefined) throw { code: "model_unknown", message: `there is no model called "${name}"` };
    return model;
  };
  return {
    models: (): Models => ({ models: models.map((model) => ({ ...model })), free_bytes: 50_000_000_000, taught_again: null }),
    get_model: ({ name }: GetModel): JobRow => {
      const model = named(name);
      Object.assign(model, { state: "installed", bytes_on_disk: model.offer?.bytes_on_disk ?? 0, proof: { right: 19, of: 20, bundled: 16, fault: null } });
      return running({ id: 21, kind: "fetch", phase: "fetch", done: 100_000_000, total: 1_540_000_000, rate: 5_000_000, eta_seconds: 288 });
    },
    import_model: ({ folder }: { folder: string }): JobRow => {
      models.push(row({ name: (used(folder)[0] ?? "folder").split("/").at(-1) ?? "folder", state: "installed", bytes_on_disk: 300_000_000 }));
      return running({ id: 22, kind: "import_model", phase: "convert" });
    },
    stop_using_model: ({ name }: ModelRequest): null => {
      named(name).in_use = false;
      return null;
    },
    switch_plan: ({ name }: ModelRequest): SwitchPlan => {
      if (!named(name).purposes.includes("search")) return { to_index: 0, photos_per_second: null, seconds: null, bytes: 0, labels: [] };
      const seen = named(name).vectors?.photos ?? 0;
      return { to_index: photos - seen, photos_per_second: 2, seconds: (photos - seen) / 2, bytes: (photos - seen) * 3072, labels: ["Rex"] };
    },
    use_model: ({ name }: ModelRequest): JobRow => {
      if (!named(name).purposes.includes("search")) {
        named(name).in_use = true;
        return running({ id: 23, kind: "switch_model", phase: "verify" });
      }
      models.forEach((model) => (model.in_use = model.name === name));
      named(name).vectors = { photos, bytes: photos * 3072 };
      return running({ id: 23, kind: "switch_model", phase: "vectors" });
    },
    free_vectors: ({ name }: ModelRequest): JobRow => {
      named(name).vectors = null;
      return running({ id: 24, kind: "free_vectors", phase: "free" });
    },
    verify_model: ({ name }: ModelRequest): JobRow => {
      named(name);
      return running({ id: 25, kind: "verify_model", phase: "prove" });
    },
    remove_model: ({ name }: ModelRequest) => {
      const model = named(name);
      const bytes = model.bytes_on_disk;
      Object.assign(model, { state: "offered", bytes_on_disk: 0 });
      return { bytes };
    },
    model_card: (): ModelCard => ({ id: "0123456789abcdef0123", name: "home-1", markdown: "# home-1\n\nFinds photos by **English** sentences.\n\n| score | value |\n|---|---|\n| R@1 | 27 |\n\n- one\n- two\n", bytes: 66_000_000 }),
  };
}
