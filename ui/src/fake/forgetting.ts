/** Forgetting, in memory. */
import type { Forget, ForgetPlan, JobRow, Privacy } from "../api/bindings";

interface Library {
  running: (change: Partial<JobRow>) => JobRow;
  drop: (photos: number[], folder: number | null) => void;
  dropSearches: () => void;
}

export function forgettingHandlers({ running, drop, dropSearches }: Library) {
  let out = 0;
  return {
    forget_plan: ({ photos, folder, missing }: Forget): ForgetPlan => ({
      photos: folder !== null ? 12 : missing ? 3 : photos.length,
      stay: folder !== null ? 1 : 0,
      keeps_out: photos.length > 0,
      versions: photos.length > 0 ? ["v1"] : [],
      copies: ["catalogue.sqlite.v9"],
    }),
    forget: ({ photos, folder, searches }: Forget): JobRow => {
      drop(photos, folder);
      if (searches) dropSearches();
      out += photos.length;
      return running({ id: 7, kind: "forget", phase: "forget" });
    },
    privacy: (): Privacy => ({ missing: 3, photos_out: out, folders_out: 0 }),
    let_all_in: () => {
      out = 0;
      return null;
    },
  };
}
