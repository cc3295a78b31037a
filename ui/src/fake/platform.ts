/** A library in memory, for tests and for looking at the interface in a browser (`?fake=20000`). */
import type { AbsenceRow, AlbumRow, CaptionAuthor, CaptionDetail, CaptionRow, ChipRow, Events, Granted, JobRow, Rpc, SearchReply, Settings, TagRow } from "../api/bindings";
import type { Platform } from "../platform";
import { duplicateHandlers } from "./duplicates";
import { forgettingHandlers } from "./forgetting";
import { modelHandlers } from "./models";
import { startHandlers } from "./start";
import { teachHandlers } from "./teach";

export interface FakeOptions {
  /** Photos in the library; 0 is a newcomer's. */
  photos: number;
}

type Handlers = { [K in keyof Rpc]: (request: Rpc[K][0]) => Rpc[K][1] | Promise<Rpc[K][1]> };

export interface FakePlatform extends Platform {
  /** Commands may be replaced, to fail or to be slow. */
  handlers: Handlers;
  /** Every call, in order. */
  calls: { name: keyof Rpc; request: unknown }[];
  emit<K extends keyof Events>(name: K, event: Events[K]): void;
  /** What a person chooses in the next dialog; null for nothing. */
  chosen: string[] | null;
  /** What a person chose or dropped, as the page is given it. */
  grant(paths: string[]): Granted;
  copied: string[];
  /** Addresses of pictures that were copied. */
  pictures: string[];
  fullScreen: boolean;
}

export function runningJob(change: Partial<JobRow> = {}): JobRow {
  return {
    id: 1,
    kind: "index",
    state: "running",
    error: null,
    phase: "index",
    done: 120,
    total: 480,
    rate: 24,
    eta_seconds: 15,
    current: "/photos/120.jpg",
    is_waiting: false,
    waits_for: null,
    ...change,
  };
}

export function fakePlatform({ photos }: FakeOptions): FakePlatform {
  const all = Array.from({ length: photos }, (_, index) => photos - index);
  const albums: (AlbumRow & { ids: number[] })[] = [];
  const heard = new Map<string, Set<(event: never) => void>>();
  const grants = new Map<string, string[]>();
  const used = (grant: string): string[] => {
    const paths = grants.get(grant);
    if (paths === undefined || !grants.delete(grant)) throw { code: "grant_gone", message: "choose again" };
    return paths;
  };
  let folders = photos > 0 ? [{ id: 1, path: "/home/anna/Photos", photos, missing: false }] : [];
  let absences: AbsenceRow[] = [];
  let settings: Settings = { theme: "system", language: "en", device: "auto", recent_searches: [], watch: true, offer_answered: false };
  let nextAlbum = 1;

  const row = ({ ids, ...album }: AlbumRow & { ids: number[] }): AlbumRow => ({
    ...album,
    photos: ids.length,
    cover: ids[0] ?? null,
  });
  const album = (id: number) => {
    const found = albums.find((album) => album.id === id);
    if (found === undefined) throw { code: "album_gone", message: "the album is gone" };
    return found;
  };
  /** Versions of captions, the newest first. */
  const versions: (CaptionRow & { photo: number })[] = [];
  const write = (photo: number, text: string, author: CaptionAuthor, isGuess = false) =>
    versions.unshift({ id: versions.length + 1, photo, text, author, confidence: author === "machine" && !isGuess ? -0.6 : null, is_guess: isGuess, written_at: 1_700_000_000, undone: false });
  const captions = (photo: number): CaptionDetail => {
    const history = versions.filter((row) => row.photo === photo).map(({ photo: _, ...row }) => ({ ...row }));
    const newest = history.find((row) => !row.undone) ?? null;
    const unsure = newest?.is_guess ? { guess: newest.text, tags: tagsOf(photo).map(({ name }) => name) } : null;
    return { photo, current: newest?.is_guess ? null : newest, unsure, history, uncertain: [] };
  };
  const kept = new Map<number, Set<string>>();
  const removed = new Map<number, Set<string>>();
  const tagsOf = (photo: number): TagRow[] => {
    const own: TagRow[] = [...(kept.get(photo) ?? [])].map((name) => ({ name, origin: "person" }));
    const proposed: TagRow[] = ["dog", "beach"].filter((name) => !kept.get(photo)?.has(name)).map((name) => ({ name, origin: "model" }));
    return [...own, ...proposed].filter(({ name }) => !removed.get(photo)?.has(name));
  };
  /** Every seventh photo is like a word, the length of which decides where it begins. */
  const matches = (query: string) => all.filter((photo) => photo % 7 === query.length % 7).slice(0, 60);

  const like = (photos: number[]): SearchReply => ({
    strong: [],
    possible: photos.slice(0, 40),
    less_likely: [],
    beyond: photos.length > 40 ? "matches" : "nothing",
    unknown: null,
    chips: [],
    judged: true,
    searched: all.length,
    took_ms: 4,
  });

  const handlers: Handlers = {
    overview: () => ({
      library: "/home/anna/.local/share/sightline",
      bytes_on_disk: 123_456_789,
      photos: all.length,
      searchable: all.length,
      problems: photos > 0 ? 2 : 0,
      folders,
      absences,
      crowded: [],
      jobs: [],
      model_absent: null,
    }),
    add_folders: (request) => {
      folders = [...folders, ...used(request.folders).map((path, index) => ({ id: folders.length + index + 1, path, photos: 0, missing: false }))];
      return runningJob();
    },
    add_samples: () => runningJob(),
    remove_folder: ({ path }) => {
      folders = folders.filter((folder) => folder.path !== path);
      return null;
    },
    rescan: () => runningJob(),
    answer_absence: ({ path }) => {
      absences = absences.filter((absence) => absence.path !== path);
      return null;
    },
    control_job: ({ action }) => runningJob({ state: action === "pause" ? "paused" : action === "resume" ? "running" : "cancelled" }),
    problems: () => [
      { path: "/home/anna/Photos/a.jpg", name: "a.jpg", code: "broken", reason: "the file ends too early" },
      { path: "/home/anna/Photos/b.heic", name: "b.heic", code: "unsupported", reason: "HEIC is not read yet" },
    ],
    search: ({ query, sort, limit, less_likely, as_words }) => {
      const chips: ChipRow[] = query.includes("summer 2015") && !as_words?.includes("summer 2015")
        ? [{ words: "summer 2015", meaning: { kind: "date", from: "2015-06", before: "2015-09" } }]
        : [];
      const found = query.includes("nothing") ? [] : matches(query);
      const shown = found.slice(0, limit);
      const others = all.filter((photo) => !found.includes(photo));
      const more = shown.length < found.length ? [] : others.slice(0, less_likely ?? 0);
      const beyond = shown.length < found.length ? "matches" : more.length < others.length ? "less_likely" : "nothing";
      if (sort === "oldest") shown.reverse();
      return { strong: shown.slice(0, 12), possible: shown.slice(12), less_likely: more, beyond, unknown: null, chips, judged: true, searched: all.length, took_ms: 9 };
    },
    photos: ({ filters, sort }) => {
      const ids = filters.album === null ? all : album(filters.album).ids;
      return { ids: sort === "oldest" ? [...ids].reverse() : [...ids] };
    },
    similar: ({ photo }) => like(all.filter((other) => other !== photo)),
    similar_to_file: () => like(all),
    photo: ({ photo }) => ({
      id: photo,
      name: `${photo}.jpg`,
      paths: [`/home/anna/Photos/${photo}.jpg`],
      missing: false,
      taken_at: "2021-06-30T12:05:00+02:00",
      date_guessed: photo % 2 === 1,
      camera: "FUJIFILM X100V",
      lens: "23 mm",
      latitude: 38.71,
      longitude: -9.13,
      place: "Lisbon, Portugal",
      rating: photo % 7 === 6 ? -1 : photo % 6,
      width: 1200,
      height: 800,
      format: "jpeg",
      size_bytes: 2_345_678,
      companions: [`/home/anna/Photos/${photo}.raf`],
      albums: albums.filter((album) => album.ids.includes(photo)).map((album) => album.id),
    }),
    explain: () => ({ side: 9, values: Array.from({ length: 81 }, (_, i) => Math.exp((-1 * ((i % 9) - 5) ** 2 - (Math.floor(i / 9) - 3) ** 2) / 6)) }),
    caption: ({ photo }) => captions(photo),
    describe: ({ photo }) => {
      if (photo % 5 === 3) {
        // Of these photos the model is not sure; a guess takes the place of no person's caption.
        if (captions(photo).current?.author !== "person") write(photo, "A dog sits on the floor.", "machine", true);
        const unsure = { guess: "A dog sits on the floor.", tags: tagsOf(photo).map(({ name }) => name) };
        return { ...captions(photo), unsure };
      }
      write(photo, "A dog runs.", "machine");
      return { ...captions(photo), uncertain: ["runs."] };
    },
    ask: () => ({ text: "It runs.", model: "smolvlm", stopped: false }),
    stop_asking: () => null,
    write_caption: ({ photo, text }) => {
      write(photo, text, "person");
      return captions(photo);
    },
    undo_caption: ({ photo }) => {
      const now = versions.find((row) => row.photo === photo && !row.undone);
      if (now !== undefined) now.undone = true;
      return captions(photo);
    },
    write_out_caption: ({ photo, into_file }) => ({ paths: [`/home/anna/Photos/${photo}.jpg${into_file ? "" : ".xmp"}`] }),
    write_out_preview: ({ photo }) => [
      {
        path: `/home/anna/Photos/${photo}.jpg`,
        sidecar: `/home/anna/Photos/${photo}.jpg.xmp`,
        caption_now: null,
        keywords_now: ["lake"],
        caption: captions(photo).current?.text ?? null,
        keywords: ["lake", ...[...(kept.get(photo) ?? [])]],
      },
    ],
    undo_write_out: () => ({ paths: ["/home/anna/Photos/1.jpg.xmp"] }),
    tags: ({ photo }) => tagsOf(photo),
    change_tag: ({ photo, name, change }) => {
      if (change === "keep") kept.set(photo, new Set([...(kept.get(photo) ?? []), name]));
      if (change === "remove") removed.set(photo, new Set([...(removed.get(photo) ?? []), name]));
      if (change === "restore") removed.get(photo)?.delete(name);
      return tagsOf(photo);
    },
    reveal_tag_list: () => null,
    describe_photos: () => runningJob({ kind: "caption", phase: "caption" }),
    captions_to_review: () => ({ ids: [...new Set(versions.map((row) => row.photo))].filter((photo) => captions(photo).unsure !== null || captions(photo).current?.author === "machine") }),
    facets: () => ({
      cameras: [{ value: "FUJIFILM X100V", photos: all.length }],
      lenses: [{ value: "23 mm", photos: all.length }],
      places: [{ value: "Lisbon, Portugal", photos: all.length }],
      formats: [{ value: "jpeg", photos: all.length }],
      folders: folders.map(({ path, photos }) => ({ value: path, photos })),
      years: ["2021", "2019", "2015"].map((value, index) => ({ value, photos: index === 0 ? all.length - 2 : 1 })),
      keywords: [{ value: "travel", photos: 12 }],
    }),
    albums: () => albums.map(row),
    create_album: ({ name, photos }) => {
      if (albums.some((album) => album.name === name)) throw { code: "album_exists", message: `there is an album "${name}" already` };
      const made = { id: nextAlbum, name, photos: 0, cover: null, ids: [...photos] };
      nextAlbum += 1;
      albums.push(made);
      return row(made);
    },
    rename_album: (request) => {
      album(request.album).name = request.name;
      return null;
    },
    remove_album: (request) => {
      albums.splice(albums.indexOf(album(request.album)), 1);
      return null;
    },
    add_to_album: (request) => {
      const { ids } = album(request.album);
      ids.push(...request.photos.filter((photo) => !ids.includes(photo)));
      return null;
    },
    remove_from_album: (request) => {
      const found = album(request.album);
      found.ids = found.ids.filter((photo) => !request.photos.includes(photo));
      return null;
    },
    ...teachHandlers({
      all,
      names: () => albums.map(({ name }) => name),
      albumIds: (id) => album(id).ids,
      albumName: (id) => album(id).name,
      put: (photo, name, isIn) => {
        const found = albums.find((album) => album.name === name);
        if (found !== undefined) found.ids = [...found.ids.filter((other) => other !== photo), ...(isIn ? [photo] : [])];
      },
      running: runningJob,
    }),
    ...duplicateHandlers({ all, running: runningJob }),
    ...forgettingHandlers({
      running: runningJob,
      drop: (photos, folder) => {
        photos.forEach((photo) => all.splice(all.indexOf(photo), 1));
        folders = folders.filter(({ id }) => id !== folder);
      },
      dropSearches: () => {
        settings = { ...settings, recent_searches: [] };
      },
    }),
    ...startHandlers(),
    reveal: () => null,
    export_table: () => null,
    export_copies: () => runningJob({ id: 2, kind: "copy", phase: "copy" }),
    back_up: () => ({ bytes: 9_000_000 }),
    choose: () => (fake.chosen === null ? null : fake.grant(fake.chosen)),
    check_library: () => ({ faults: [] }),
    settings: () => settings,
    save_settings: (changed) => {
      settings = changed;
      return null;
    },
    devices: () => [{ kind: "cpu", name: "CPU (2 cores)", in_use: true, reason: "no graphics adapter found" }],
    measure_device: () => ({ device: "CPU (2 cores)", photos_per_second: 44.2 }),
    third_party_notices: () => "serde 1.0.0: MIT OR Apache-2.0 [1]\n\n[1] Permission is hereby granted",
    ...modelHandlers({ running: runningJob, photos, used }),
  };

  const fake: FakePlatform = {
    handlers,
    calls: [],
    copied: [],
    pictures: [],
    fullScreen: false,
    async call(name, request) {
      fake.calls.push({ name, request });
      await Promise.resolve();
      return fake.handlers[name](request as never) as never;
    },
    async listen(name, hear) {
      const ears = heard.get(name) ?? new Set();
      heard.set(name, ears.add(hear as (event: never) => void));
      return () => ears.delete(hear as (event: never) => void);
    },
    emit: (name, event) => heard.get(name)?.forEach((hear) => hear(event as never)),
    chosen: ["/home/anna/Pictures"],
    grant(paths) {
      const grant = `grant ${grants.size + 1}`;
      grants.set(grant, paths);
      return { grant, names: paths.map((path) => path.split("/").at(-1) ?? path) };
    },
    pictureUrl: (size, photo) => picture(size === "thumb" ? 256 : 1200, photo),
    async copyPicture(url, text) {
      fake.pictures.push(url);
      fake.copied.push(text);
    },
    async toggleFullScreen() {
      fake.fullScreen = !fake.fullScreen;
    },
    async copyText(text) {
      fake.copied.push(text);
    },
  };
  return fake;
}

/** A made-up landscape, another for each number. */
function picture(side: number, photo: number): string {
  const hue = (photo * 47) % 360;
  const height = Math.round((side * 2) / 3);
  const hill = (seed: number) => Math.round(height * (0.4 + 0.3 * Math.abs(Math.sin(photo * seed))));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${height}" viewBox="0 0 ${side} ${height}"><rect width="100%" height="100%" fill="hsl(${hue} 60% 75%)"/><circle cx="${(photo * 31) % side}" cy="${height / 4}" r="${side / 12}" fill="#fff8"/><path d="M0 ${hill(1.3)}L${side / 3} ${hill(2.1)}L${side} ${hill(0.7)}V${height}H0Z" fill="hsl(${hue + 90} 35% 45%)"/><path d="M0 ${hill(3.1)}L${side / 2} ${hill(1.7)}L${side} ${hill(2.9)}V${height}H0Z" fill="hsl(${hue + 120} 40% 28%)"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
