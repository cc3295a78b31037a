/** Teaching in a library in memory: lessons are over when they are asked about, and versions tell made-up scores. */
import type { CurvePoint, JobRow, Rpc, SuggestionRow, TeachReport, VersionRow } from "../api/bindings";

export interface TeachWorld {
  all: number[];
  names: () => string[];
  albumIds: (id: number) => number[];
  albumName: (id: number) => string;
  /** Puts a photo into an album of that name, or takes it out. */
  put: (photo: number, album: string, isIn: boolean) => void;
  running: (change: Partial<JobRow>) => JobRow;
}

type TeachCommand =
  | "teach_plan"
  | "teach_start"
  | "teach_curve"
  | "versions"
  | "teach_report"
  | "activate_version"
  | "rollback_version"
  | "remove_version"
  | "export_version"
  | "import_version"
  | "suggestions"
  | "answer_suggestion";

type TeachHandlers = { [K in TeachCommand]: (request: Rpc[K][0]) => Rpc[K][1] };

const FEW = 8;
const curve: CurvePoint[] = Array.from({ length: 60 }, (_, i) => ({
  step: i + 1,
  loss: 0.5 + 2 * Math.exp(-i / 12) + 0.05 * Math.sin(i * 1.7),
  accuracy: i % 20 === 19 ? 60 + i / 2 : null,
}));

export function teachHandlers({ all, names, albumIds, albumName, put, running }: TeachWorld): TeachHandlers {
  const versions: VersionRow[] = [];
  const answered = new Set<string>();
  const key = (photo: number, label: string) => `${photo} ${label}`;
  const version = (id: number) => {
    const found = versions.find((row) => row.id === id);
    if (found === undefined) throw { code: "version_unknown", message: "there is no such version" };
    return found;
  };
  const use = (id: number | null) => versions.forEach((row, index) => (versions[index] = { ...row, active: row.id === id }));
  const add = (labels: string[], depth: VersionRow["depth"]) => {
    const id = versions.length + 1;
    versions.push({ id, name: `v${id}`, depth, active: false, made_at: 1_700_000_000, labels, before: 46, after: 81, guard_change: 0 });
  };

  return {
    teach_plan: (request) => {
      const labels = request.albums.map((id) => {
        const photos = albumIds(id).length;
        return { album: id, name: albumName(id), photos, near_duplicates: 0, few: photos < FEW };
      });
      const photos = labels.reduce((sum, label) => sum + label.photos, 0);
      const held_out = Math.round(photos / 4);
      return {
        labels,
        train: photos - held_out,
        held_out,
        in_several: [],
        warnings: labels.some((label) => label.few) ? ["few_photos"] : [],
        problem: photos === 0 ? "no_photos" : null,
        seconds: { probe: 2, adapter: 6, deep: 120 },
      };
    },
    teach_start: ({ albums, depth }) => {
      add(albums.map(albumName), depth);
      return running({ id: 9, kind: "teach", phase: "train", done: 20, total: 60 });
    },
    teach_curve: () => ({ points: curve, version: versions.at(-1)?.id ?? null }),
    versions: () => [...versions],
    teach_report: (request): TeachReport => {
      const row = version(request.version);
      const others = row.labels.length - 1;
      return {
        version: row,
        train: 60,
        held_out: 20 * row.labels.length,
        before: { percent: 46, low: 42, high: 50 },
        after: { percent: 81, low: 77, high: 84 },
        guard_before: 86.3,
        guard_after: 86.3,
        labels: row.labels.map((name, index) => ({ name, train: 20, held_out: 20, precision: 90 - index, recall: 80 + index, hits: all.slice(0, 3) })),
        confusion: row.labels.map((_, r) => row.labels.map((_, c) => (r === c ? 20 - others : 1))),
        mistakes: all.slice(0, 4).map((photo) => ({ photo, path: `/home/anna/Photos/${photo}.jpg`, label: row.labels[0] ?? "", taken_for: row.labels.at(-1) ?? "", confidence: 0.93 })),
        curve,
        seconds: 6.2,
      };
    },
    activate_version: (request) => {
      use(request.version);
      return running({ id: 10, kind: "activate", phase: "vectors" });
    },
    rollback_version: () => {
      use(null);
      return running({ id: 11, kind: "activate", phase: "vectors" });
    },
    remove_version: (request) => {
      versions.splice(versions.indexOf(version(request.version)), 1);
      return null;
    },
    export_version: () => null,
    import_version: () => {
      add(names(), "adapter");
      return versions.at(-1) as VersionRow;
    },
    suggestions: ({ label, limit }) => {
      const labels = versions.find((row) => row.active)?.labels;
      if (labels === undefined) throw { code: "nothing_taught", message: "the model has not been taught yet" };
      const rows: SuggestionRow[] = labels
        .flatMap((name, index) => all.filter((photo) => photo % 11 === index).map((photo) => ({ photo, label: name, confidence: 0.5 + (photo % 50) / 100 })))
        .filter((row) => !answered.has(key(row.photo, row.label)))
        .sort((a, b) => b.confidence - a.confidence);
      const count = (name: string) => rows.filter((row) => row.label === name).length;
      return {
        labels: labels.map((name) => ({ name, album: null, photos: count(name) })),
        photos: rows.filter((row) => label === null || row.label === label).slice(0, limit),
      };
    },
    answer_suggestion: ({ photo, label, verdict }) => {
      if (verdict === "undo") answered.delete(key(photo, label));
      else answered.add(key(photo, label));
      put(photo, label, verdict === "yes");
      return null;
    },
  };
}
