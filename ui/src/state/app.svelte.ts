/** The whole state of the window, and what a person can do that touches more than one part of it. */
import { getContext, setContext } from "svelte";
import type { FileDrag, Grant, JobRow, ModelRow, Overview } from "../api/bindings";
import { call } from "../api/call";
import { t } from "../i18n/index.svelte";
import { platform } from "../platform";
import { Albums } from "./albums.svelte";
import { Captions } from "./captions.svelte";
import { Question } from "./question.svelte";
import { choose, named } from "./choose";
import { Carried } from "./carried.svelte";
import { Duplicates } from "./duplicates.svelte";
import { Forgetting } from "./forgetting.svelte";
import { Jobs } from "./jobs.svelte";
import { Models } from "./models.svelte";
import { Opening } from "./opening.svelte";
import { OpenPhoto } from "./open_photo.svelte";
import { PhotoMenu } from "./photo_menu.svelte";
import { Preferences } from "./preferences.svelte";
import { type Example, Results, type Scope } from "./results.svelte";
import { Selection } from "./selection.svelte";
import { SuggestionReview } from "./suggestions.svelte";
import { Tags } from "./tags.svelte";
import { Teach } from "./teach.svelte";
import { Toasts } from "./toasts.svelte";

export type View = "photos" | "teach" | "duplicates" | "problems" | "settings";

/** Where the grid is scrolled to: it stays there when the list, the window or the thumbnails change. */
export interface GridPlace {
  question: string;
  /** The photo at the top, with its index; null at the very top, where new photos shall be seen to arrive. */
  photo: number | null;
  index: number;
  /** How much of its row is above the window. */
  share: number;
}

export class AppState {
  view = $state<View>("photos");
  overview = $state.raw<Overview | null>(null);
  /** Index of the photo open in the viewer. */
  opened = $state<number | null>(null);
  /** Side of a thumbnail in the grid, in pixels. */
  cell = $state(176);
  helpOpen = $state(false);
  gridPlace: GridPlace | null = null;

  readonly selection = new Selection();
  readonly results = new Results((before, after) => {
    this.selection.keepOnly(before, after);
    if (this.opened !== null && before[this.opened] !== after[this.opened]) this.opened = this.#openedIn(before, after);
  });
  readonly openPhoto = new OpenPhoto();
  readonly captions = new Captions();
  readonly question = new Question();
  readonly photoMenu = new PhotoMenu();
  readonly tags = new Tags();
  readonly carried = new Carried();
  readonly albums = new Albums();
  readonly teach = new Teach();
  readonly duplicates = new Duplicates();
  readonly forgetting = new Forgetting();
  readonly models = new Models();
  readonly suggestions = new SuggestionReview();
  readonly jobs = new Jobs((job) => this.#jobEnded(job));
  readonly preferences = new Preferences();
  readonly toasts = new Toasts();
  readonly opening = new Opening();

  /** Whether all photos of the library have been looked at once, as far as this window knows; then it stays so. */
  #looked = $state(false);
  #overviews = 0;
  #rereading = false;
  #changedAgain = false;

  /** Whether nothing has been added yet. */
  isNew = $derived(
    this.overview !== null &&
      this.overview.folders.length === 0 &&
      this.overview.photos === 0 &&
      this.jobs.open.length === 0,
  );

  /** Reads everything and begins to listen; resolves to a function that stops listening. */
  async start(): Promise<() => void> {
    const stops = await Promise.all([
      platform().listen("job", (job) => {
        this.jobs.hear(job);
        void this.attempt(() => this.teach.hear(job));
        void this.attempt(() => this.duplicates.hear(job));
        void this.attempt(() => this.models.hear(job));
      }),
      platform().listen("library_changed", () => void this.attempt(() => this.#libraryChanged())),
    ]);
    void this.attempt(() => this.#firstLook());
    return () => stops.forEach((stop) => stop());
  }

  /** Reads everything once the library is open; damage may show only now, which is then to be dealt with first. */
  async #firstLook(): Promise<void> {
    for (;;) {
      await this.opening.open();
      try {
        this.preferences.kept = !this.opening.readOnly;
        await this.preferences.load();
        await this.refresh();
        break;
      } catch (reason) {
        if (await this.opening.isOpen()) throw reason;
      }
    }
    await Promise.all([this.albums.refresh(), this.results.ask(), this.models.refresh()]);
    this.#looked = this.#looked || this.jobs.open.length === 0;
  }

  async refresh(): Promise<void> {
    this.#overviews += 1;
    const asked = this.#overviews;
    const overview = await call("overview", null);
    if (asked !== this.#overviews) return;
    this.overview = overview;
    this.jobs.set(overview.jobs);
  }

  /** Reads everything again; changes that come meanwhile are read together afterwards. */
  async #libraryChanged(): Promise<void> {
    this.#changedAgain = true;
    if (this.#rereading) return;
    this.#rereading = true;
    try {
      while (this.#changedAgain) {
        this.#changedAgain = false;
        await Promise.all([this.refresh(), this.albums.refresh(), this.results.refresh()]);
      }
    } finally {
      this.#rereading = false;
    }
  }

  #jobEnded(job: JobRow): void {
    if (job.state === "failed" && job.error !== null) this.toasts.error(job.error);
    if (job.state === "done" && job.kind === "index" && job.total > 0) this.toasts.note(t().jobs.done);
    if (job.state === "done" && job.kind === "index" && this.jobs.open.length === 0) this.#looked = true;
    if (job.state === "done" && job.kind === "caption") this.toasts.note(t().jobs.captioned);
    if (job.state === "done" && job.kind === "copy") this.toasts.note(t().jobs.copied);
    // Who is there sees it.
    if (job.state === "done" && job.kind === "teach" && this.view !== "teach") this.toasts.note(t().teach.done);
    if (job.state === "done" && job.kind === "activate") this.toasts.note(t().teach.activated);
    if (job.state === "done" && job.kind === "trash") this.toasts.note(t().duplicates.moved);
    if (job.state === "done" && job.kind === "trash_photos") this.toasts.note(t().hand.trashed, { name: t().undo, perform: () => void this.#undoTrash() });
    if (job.state === "done" && job.kind === "forget") this.toasts.note(t().forgetting.done);
    if (job.state === "done" && (job.kind === "fetch" || job.kind === "import_model")) this.toasts.note(t().models.fetched);
    if (job.state === "done" && job.kind === "switch_model") this.toasts.note(t().models.switched);
    if (job.state === "done" && job.kind === "verify_model") this.toasts.note(t().models.sound);
    if (job.state === "done" && job.kind === "free_vectors") this.toasts.note(t().models.freed);
    void this.attempt(() => this.#libraryChanged());
  }

  /** The model to offer once the first photos can be found; null when nothing is to be offered. */
  get offered(): ModelRow | null {
    const { overview, preferences, models, opening } = this;
    if (!this.#looked || overview === null || overview.searchable === 0 || overview.model_absent !== null) return null;
    return preferences.offerAnswered || opening.readOnly ? null : models.offered;
  }

  /** Leads to the models in Settings. */
  showModels(): void {
    this.models.wanted = true;
    this.opened = null;
    this.view = "settings";
  }

  /** Forgets what the open question is about. */
  async forget(): Promise<void> {
    const { subject } = this.forgetting;
    await this.attempt(async () => {
      // Else the page would have them kept again.
      if (subject?.kind === "searches") await this.preferences.forgetSearches();
      if (subject?.kind === "photos") this.opened = null;
      if (subject?.kind === "folder" && this.results.scope.kind === "folder") this.show({ kind: "all" });
      const job = await this.forgetting.confirm();
      if (job !== null) this.jobs.hear(job);
    });
  }

  /** Does something and shows its error, if it has one. */
  async attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (reason) {
      this.toasts.error(reason);
    }
  }

  show(scope: Scope): void {
    this.view = "photos";
    this.opened = null;
    this.selection.clear();
    this.selection.moveTo(0);
    void this.results.show(scope);
  }

  /** Leaves the photo for those that some words find. */
  searchFor(words: string): void {
    this.show({ kind: "all" });
    this.results.type(words);
  }

  showLike(example: Example): void {
    this.view = "photos";
    this.opened = null;
    this.selection.clear();
    this.selection.moveTo(0);
    void this.results.showLike(example);
  }

  /** Goes to a photo further on or back; there it stays at either end. */
  turn(by: number): void {
    const next = (this.opened ?? 0) + by;
    if (next < 0 || next >= this.results.ids.length) return;
    this.opened = next;
    this.selection.moveTo(next);
  }

  /** Where the open photo is in a new list. In a review the next one takes its place, elsewhere nothing does. */
  #openedIn(before: readonly number[], after: readonly number[]): number | null {
    const at = this.opened ?? 0;
    const moved = after.indexOf(before[at] ?? -1);
    if (moved >= 0) return moved;
    if (this.results.scope.kind !== "review" || after.length === 0) return null;
    const left = new Set(after);
    const next = before.slice(at).find((photo) => left.has(photo));
    const index = next === undefined ? after.length - 1 : after.indexOf(next);
    this.selection.moveTo(index);
    return index;
  }

  /** A photo with all that are selected, if it is one of them. */
  together(photo: number): readonly number[] {
    if (this.opened !== null || !this.selection.has(photo)) return [photo];
    return this.results.ids.filter((other) => this.selection.has(other));
  }

  /** The photos an action is about: those of the menu, the one that is open, those selected, or the one under the cursor. */
  chosen(): number[] {
    if (this.photoMenu.photos !== null) return [...this.photoMenu.photos];
    const ids = this.results.ids;
    if (this.opened !== null) return ids[this.opened] === undefined ? [] : [ids[this.opened] as number];
    if (this.selection.size > 0) return ids.filter((photo) => this.selection.has(photo));
    const under = ids[this.selection.cursor];
    return under === undefined ? [] : [under];
  }

  /** Adds folders, all in one piece of work. */
  async addFolders(folders: Grant): Promise<void> {
    await this.attempt(async () => {
      await this.#begin(() => call("add_folders", { folders }));
    });
  }

  /** Begins to index. The first photos of a library are shown as they come, wherever one was before it was empty. */
  async #begin(index: () => Promise<JobRow>): Promise<void> {
    const { isNew } = this;
    this.jobs.hear(await index());
    if (isNew) this.show({ kind: "all" });
    await this.refresh();
  }

  async chooseFolder(): Promise<void> {
    await this.attempt(async () => {
      const chosen = await choose("add_folders", t().first.choose);
      if (chosen !== null) await this.addFolders(chosen.grant);
    });
  }

  async addSamples(): Promise<void> {
    await this.attempt(async () => {
      await this.#begin(() => call("add_samples", null));
    });
  }

  /** Forgets what vanished from a folder, or keeps it in the library. */
  answerAbsence(path: string, forget: boolean): Promise<void> {
    return this.attempt(async () => {
      await call("answer_absence", { path, forget });
      await this.refresh();
    });
  }

  /** What was dropped on the window: folders are added, a photo is compared with. */
  async dropped({ folders, photo }: Extract<FileDrag, { kind: "drop" }>): Promise<void> {
    if (photo !== null && !this.isNew) this.showLike({ kind: "file", file: photo });
    if (folders !== null) await this.addFolders(folders.grant);
  }

  async addToAlbum(album: number, photos: number[]): Promise<void> {
    await this.attempt(async () => {
      await this.albums.add(album, photos);
      this.toasts.note(t().albums.added(photos.length, this.albums.byId(album)?.name ?? ""));
    });
  }

  async removeFromAlbum(photos: number[]): Promise<void> {
    const scope = this.results.scope;
    if (scope.kind !== "album") return;
    await this.attempt(async () => {
      await this.albums.takeOut(scope.id, photos);
      this.toasts.note(t().albums.removed(photos.length));
      await this.results.ask();
    });
  }

  async exportTable(photos: number[]): Promise<void> {
    await this.attempt(async () => {
      const chosen = await choose("export_table", t().exports.saveTitle, t().exports.tableName);
      if (chosen === null) return;
      await call("export_table", { photos, file: chosen.grant });
      this.toasts.note(t().exports.saved(named(chosen)));
    });
  }

  async exportCopies(photos: number[]): Promise<void> {
    await this.attempt(async () => {
      const chosen = await choose("export_copies", t().exports.folderTitle);
      if (chosen !== null) this.jobs.hear(await call("export_copies", { photos, folder: chosen.grant }));
    });
  }

  async reveal(photo: number): Promise<void> {
    await this.attempt(async () => {
      const { paths } = await call("photo", { photo });
      if (paths[0] !== undefined) await call("reveal", { path: paths[0] });
    });
  }

  /** Describes photos in the background; those that have a caption keep it. */
  describe(photos: number[]): Promise<void> {
    return this.attempt(async () => this.jobs.hear(await call("describe_photos", { photos, again: false })));
  }

  /** Describes the open photo. */
  describeOpen(): Promise<void> {
    return this.attempt(async () => {
      if (await this.captions.describe()) this.toasts.note(t().caption.stays);
    });
  }

  /** Looks for duplicates among all photos, in the background. */
  findDuplicates(): Promise<void> {
    return this.attempt(async () => this.jobs.hear(await this.duplicates.look()));
  }

  /** Teaches the chosen albums, in the background. */
  startLesson(): Promise<void> {
    return this.attempt(async () => {
      this.suggestions.answers = 0;
      this.jobs.hear(await this.teach.start());
    });
  }

  /** Takes a version into use, in the background. */
  useVersion(version: number): Promise<void> {
    return this.attempt(async () => {
      this.jobs.hear(await this.teach.use(version));
      this.teach.close();
    });
  }

  /** Takes the caption of the open photo as right. */
  acceptCaption(): Promise<void> {
    return this.#accepted(() => this.captions.accept());
  }

  /** Takes the guess about the open photo, which one sees, as right. */
  acceptGuess(): Promise<void> {
    return this.#accepted(() => this.captions.acceptGuess());
  }

  /** In a review the list answers: what is accepted leaves it, and the next one moves up. Elsewhere the photo stays. */
  #accepted(accept: () => Promise<boolean>): Promise<void> {
    return this.attempt(async () => {
      if (await accept()) await this.results.refresh();
    });
  }

  /** Keeps the caption that was typed; in a review that is an answer as well. */
  saveCaption(): Promise<void> {
    return this.attempt(async () => {
      await this.captions.save();
      if (this.results.scope.kind === "review") await this.results.refresh();
    });
  }

  /** Answers the photo that a suggestion is about; an album that it goes to has it at once. */
  answerSuggestion(verdict: "yes" | "no"): Promise<void> {
    return this.attempt(async () => {
      await this.suggestions.answer(verdict);
      await this.albums.refresh();
    });
  }

  undoSuggestion(): Promise<void> {
    return this.attempt(async () => {
      await this.suggestions.undo();
      await this.albums.refresh();
    });
  }

  async copyCaption(caption: string | null): Promise<void> {
    if (caption === null) return;
    await this.attempt(async () => {
      await platform().copyText(caption);
      this.toasts.note(t().caption.copied);
    });
  }

  /** Copies one photo as a picture with its path, or the paths of several. */
  async copyPhotos(photos: number[]): Promise<void> {
    const [photo] = photos;
    if (photo === undefined) return;
    await this.attempt(async () => {
      const details = await Promise.all(photos.map((photo) => call("photo", { photo })));
      const paths = details.flatMap(({ paths }) => paths.slice(0, 1)).join("\n");
      if (photos.length === 1) await platform().copyPicture(platform().pictureUrl("full", photo), paths);
      else await platform().copyText(paths);
      this.toasts.note(t().hand.copied(photos.length));
    });
  }

  /** Moves photos to the system's trash; the system asks first. */
  async moveToTrash(photos: number[]): Promise<void> {
    if (photos.length === 0 || this.opening.readOnly) return;
    await this.attempt(async () => {
      const job = await call("trash_photos", { photos, language: t().locale === "zh" ? "zh" : "en" });
      if (job !== null) this.jobs.hear(job);
    });
  }

  async #undoTrash(): Promise<void> {
    await this.attempt(async () => {
      const { back, failed } = await call("undo_trash", null);
      for (const message of failed) this.toasts.error({ code: "trash", message });
      if (back > 0) this.toasts.note(t().hand.restored(back));
    });
  }

  async copyPath(photo: number): Promise<void> {
    await this.attempt(async () => {
      const { paths } = await call("photo", { photo });
      await platform().copyText(paths.join("\n"));
      this.toasts.note(t().exports.copied);
    });
  }
}

const KEY = Symbol("app");

export function provideApp(app: AppState): AppState {
  return setContext(KEY, app);
}

export function useApp(): AppState {
  return getContext(KEY);
}
