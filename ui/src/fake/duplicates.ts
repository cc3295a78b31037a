/** Duplicates in a library in memory: a search and a move are over when they are asked about. */
import type { DuplicateFile, DuplicateGroup, JobRow, PlaceNumber, Rpc } from "../api/bindings";

type DuplicateCommand = "find_duplicates" | "duplicates" | "no_duplicates" | "trash_duplicates" | "trash_photos" | "undo_trash";
type DuplicateHandlers = { [K in DuplicateCommand]: (request: Rpc[K][0]) => Rpc[K][1] };

function file(photo: number, index: number): DuplicateFile {
  return {
    place: { photo, location: 10 * photo + index },
    name: index === 0 ? `${photo}.jpg` : `${photo} (${index}).jpg`,
    folder: index === 0 ? "/home/anna/Photos" : "/home/anna/Downloads",
    companions: index === 0 ? ["/home/anna/Photos/IMG_0412.RAF"] : [],
    size_bytes: 2_000_000 - 500_000 * index,
    modified_at: 1_600_000_000 + index,
    width: 4000 / (index + 1),
    height: 3000 / (index + 1),
    format: "jpeg",
    taken_at: "2021-06-30T12:05:00",
    camera: index === 0 ? "FUJIFILM X100V" : null,
    albums: 0,
    why_not: index === 0 ? null : "pixels",
  };
}

export function duplicateHandlers({ all, running }: { all: number[]; running: (change: Partial<JobRow>) => JobRow }): DuplicateHandlers {
  let looked = false;
  let groups: DuplicateGroup[] = all
    .filter((photo) => photo % 10 === 0)
    .slice(0, 6)
    .map((photo) => ({
      kind: photo % 20 === 0 ? "exact" : "near",
      photos: photo % 20 === 0 ? [photo] : [photo, photo - 1],
      files: [file(photo, 0), file(photo % 20 === 0 ? photo : photo - 1, 1)],
      freed_bytes: 1_500_000,
    }));
  let refused: DuplicateGroup[] = [];
  let trashed: DuplicateGroup[] = [];
  const same = (one: number[], other: number[]) => one.join() === other.join();
  const isIn = (places: PlaceNumber[], place: PlaceNumber) => places.some((other) => other.photo === place.photo && other.location === place.location);

  return {
    find_duplicates: () => {
      looked = true;
      return running({ id: 20, kind: "duplicates", phase: "compare" });
    },
    duplicates: ({ limit }) => ({
      looked,
      count: looked ? groups.length : 0,
      freed_bytes: looked ? groups.reduce((sum, group) => sum + group.freed_bytes, 0) : 0,
      groups: looked ? groups.slice(0, limit) : [],
      undoable: trashed.length,
    }),
    no_duplicates: ({ photos, undo }) => {
      const moved = (undo ? refused : groups).filter((group) => same(group.photos, photos));
      if (undo) {
        refused = refused.filter((group) => !moved.includes(group));
        groups = [...moved, ...groups];
      } else {
        groups = groups.filter((group) => !moved.includes(group));
        refused = [...refused, ...moved];
      }
      return null;
    },
    trash_duplicates: (request) => {
      trashed = groups.filter((group) => group.files.some((file) => isIn(request.groups.flatMap((one) => one.gone), file.place)));
      groups = groups.filter((group) => !trashed.includes(group));
      return running({ id: 21, kind: "trash", phase: "trash" });
    },
    trash_photos: ({ photos }) => (photos.length === 0 ? null : running({ id: 22, kind: "trash_photos", phase: "trash" })),
    undo_trash: () => {
      const back = trashed.length;
      groups = [...trashed, ...groups];
      trashed = [];
      return { back, failed: [] };
    },
  };
}
