// Generated from crates/api by `cargo xtask bindings`: do not edit.

export type AbsenceRow = { 
/**
 * Absolute path.
 */
path: string, 
/**
 * Its photos' files that are not there.
 */
missing: number, 
/**
 * Its photos' files that the library knows.
 */
known: number, };

export type AddFolders = { folders: Grant, };

export type AlbumPhotos = { album: number, photos: Array<number>, };

export type AlbumRequest = { album: number, };

export type AlbumRow = { 
/**
 * Its number.
 */
id: number, 
/**
 * Its name.
 */
name: string, 
/**
 * Photos in it.
 */
photos: number, 
/**
 * A photo to stand for it.
 */
cover: number | null, };

export type AnswerAbsence = { path: KnownPath, forget: boolean, };

export type AnswerSuggestion = { 
/**
 * The photo.
 */
photo: number, 
/**
 * The label.
 */
label: string, 
/**
 * The answer.
 */
verdict: Verdict, };

export type Ask = { 
/**
 * The photo.
 */
photo: number, 
/**
 * What one wants to know.
 */
question: string, };

export type BackUp = { 
/**
 * The file to write, as a person chose; one that was there then is replaced.
 */
file: Grant, };

export type BackedUp = { 
/**
 * Its size in bytes.
 */
bytes: number, };

export type Beyond = "nothing" | "less_likely" | "matches";

export type CaptionAuthor = "machine" | "person" | "file";

export type CaptionDetail = { 
/**
 * The photo.
 */
photo: number, 
/**
 * The current caption.
 */
current: CaptionRow | null, 
/**
 * What there is in its place where the model is not sure of one.
 */
unsure: UnsureCaption | null, 
/**
 * All versions, the newest first.
 */
history: Array<CaptionRow>, 
/**
 * Words of the caption that was just written which the model is not sure of.
 */
uncertain: Array<string>, };

export type CaptionRow = { 
/**
 * Its number.
 */
id: number, 
/**
 * The caption.
 */
text: string, 
/**
 * Who wrote it.
 */
author: CaptionAuthor, 
/**
 * Mean log-probability of its tokens, if the model wrote it: 0 is certain.
 */
confidence: number | null, 
/**
 * Whether it is a guess of the model's, which was not shown.
 */
is_guess: boolean, 
/**
 * When, in seconds since 1970.
 */
written_at: number, 
/**
 * Whether it was taken back.
 */
undone: boolean, };

export type ChangeTag = { photo: number, name: string, change: TagChange, };

export type ChipMeaning = { "kind": "date", 
/**
 * The beginning.
 */
from: string | null, 
/**
 * The end.
 */
before: string | null, } | { "kind": "each_year", 
/**
 * The month.
 */
month: number, 
/**
 * The day.
 */
day: number | null, } | { "kind": "place", 
/**
 * As typed.
 */
name: string, } | { "kind": "folder", 
/**
 * As typed.
 */
name: string, } | { "kind": "album", 
/**
 * The album's name.
 */
name: string, } | { "kind": "camera", 
/**
 * As typed.
 */
name: string, } | { "kind": "file", 
/**
 * As typed.
 */
name: string, } | { "kind": "stars", 
/**
 * At least.
 */
least: number, 
/**
 * At most.
 */
most: number, } | { "kind": "format", 
/**
 * As the library calls it.
 */
format: string, } | { "kind": "raw" } | { "kind": "screenshots" } | { "kind": "without", 
/**
 * What it does not show.
 */
unwanted: Array<string>, };

export type ChipRow = { 
/**
 * The words that mean it, as typed; with them among `as_words` they are words.
 */
words: string, 
/**
 * What they mean.
 */
meaning: ChipMeaning, };

export type Choose = { 
/**
 * The command that it is for.
 */
purpose: Purpose, 
/**
 * The dialog's title.
 */
title: string, 
/**
 * What a new file is called unless the person says otherwise.
 */
name: string | null, };

export type ChooseLibrary = { 
/**
 * The folder that a person chose; null for the system's usual place.
 */
folder: Grant | null, };

export type ControlJob = { job: number, action: JobAction, };

export type CreateAlbum = { name: string, photos: Array<number>, };

export type CurvePoint = { 
/**
 * Step of training.
 */
step: number, 
/**
 * Training loss, in nats.
 */
loss: number, 
/**
 * Percent told right of the photos that watch over the training; null between two looks at them.
 */
accuracy: number | null, };

export type DescribePhotos = { photos: Array<number> | null, again: boolean, };

export type DeviceChoice = "auto" | "gpu" | "cpu";

export type DeviceKind = "gpu" | "cpu" | "software";

export type DeviceRow = { 
/**
 * What sort it is.
 */
kind: DeviceKind, 
/**
 * Its name.
 */
name: string, 
/**
 * Whether the model runs on it.
 */
in_use: boolean, 
/**
 * Why it is used or not.
 */
reason: string, };

export type DeviceSpeed = { 
/**
 * Its name.
 */
device: string, 
/**
 * Photos that it embeds in a second.
 */
photos_per_second: number, };

export type DuplicateFile = { 
/**
 * What to call it by.
 */
place: PlaceNumber, 
/**
 * Its name.
 */
name: string, 
/**
 * The folder that it is in.
 */
folder: string, 
/**
 * Where the files lie that belong to it and go where it goes: its raw file, its film.
 */
companions: Array<string>, 
/**
 * Its size in bytes, with that of its companions.
 */
size_bytes: number, 
/**
 * When it was last changed, in seconds since 1970.
 */
modified_at: number, 
/**
 * Width in pixels, upright.
 */
width: number, 
/**
 * Height in pixels, upright.
 */
height: number, 
/**
 * Its format, in lower case.
 */
format: string, 
/**
 * When it was taken, local time.
 */
taken_at: string | null, 
/**
 * The camera's name.
 */
camera: string | null, 
/**
 * Albums that the photo is in.
 */
albums: number, 
/**
 * Why another file is better; null for the best.
 */
why_not: WhyNot | null, };

export type DuplicateGroup = { 
/**
 * How they are alike.
 */
kind: DuplicateKind, 
/**
 * Its photos, by which it is known.
 */
photos: Array<number>, 
/**
 * Its files, the best first.
 */
files: Array<DuplicateFile>, 
/**
 * What is freed when only the best is kept.
 */
freed_bytes: number, };

export type DuplicateKind = "exact" | "near";

export type Duplicates = { 
/**
 * Whether they were looked for since the app was started.
 */
looked: boolean, 
/**
 * All groups.
 */
count: number, 
/**
 * Bytes that keeping the best of all groups would free.
 */
freed_bytes: number, 
/**
 * The groups, those that free most first.
 */
groups: Array<DuplicateGroup>, 
/**
 * Files that could be taken out of the trash again.
 */
undoable: number, };

export type DuplicatesRequest = { 
/**
 * Groups at most.
 */
limit: number, };

export type ErrorReply = { 
/**
 * A short stable code; the interface acts on it and never on the message.
 */
code: string, 
/**
 * What is wrong and what to do, naming the file.
 */
message: string, };

export type Explain = { photo: number, query: string, as_words: Array<string> | null, };

export type ExportCopies = { photos: Array<number>, folder: Grant, };

export type ExportTable = { photos: Array<number>, file: Grant, };

export type Facet = { 
/**
 * The value.
 */
value: string, 
/**
 * Photos that have it.
 */
photos: number, };

export type Facets = { 
/**
 * Cameras, the most used first.
 */
cameras: Array<Facet>, 
/**
 * Lenses, the most used first.
 */
lenses: Array<Facet>, 
/**
 * Places, those of the most photos first.
 */
places: Array<Facet>, 
/**
 * File formats, the most common first.
 */
formats: Array<Facet>, 
/**
 * Folders, by path.
 */
folders: Array<Facet>, 
/**
 * Years, the latest first.
 */
years: Array<Facet>, 
/**
 * Keywords, the most used first.
 */
keywords: Array<Facet>, };

export type FileDrag = { "kind": "over" } | { "kind": "leave" } | { "kind": "drop", 
/**
 * What is not a photo, to be added.
 */
folders: Granted | null, 
/**
 * The first photo, to compare with.
 */
photo: Granted | null, };

export type Filters = { 
/**
 * Taken then or later: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
 */
after: string | null, 
/**
 * Taken before the first moment of this.
 */
before: string | null, 
/**
 * The camera's name contains this.
 */
camera: string | null, 
/**
 * The lens's name contains this.
 */
lens: string | null, 
/**
 * Stars at least: 1 to 5.
 */
rating: number | null, 
/**
 * Was taken at this place: a town, a region, a country, or several between commas.
 */
place: string | null, 
/**
 * Lies below this folder, an absolute path.
 */
folder: string | null, 
/**
 * The file's format.
 */
format: string | null, 
/**
 * Is in this album.
 */
album: number | null, };

export type FolderRow = { 
/**
 * The number by which the page names it.
 */
id: number, 
/**
 * Absolute path.
 */
path: string, 
/**
 * Photos of different content below it.
 */
photos: number, 
/**
 * Whether it is not there, perhaps on a disk that is unplugged.
 */
missing: boolean, };

export type Forget = { 
/**
 * These photos, by number.
 */
photos: Array<number>, 
/**
 * All of this folder of the library, by its number.
 */
folder: number | null, 
/**
 * The photos that lie in no folder any more.
 */
missing: boolean, 
/**
 * The searches that are remembered.
 */
searches: boolean, };

export type ForgetPlan = { 
/**
 * Photos that go.
 */
photos: number, 
/**
 * Photos of the folder that lie in another one too, and stay.
 */
stay: number, 
/**
 * Whether the library keeps marks of what goes, so that it stays out.
 */
keeps_out: boolean, 
/**
 * Versions that may have learned from the photos, by name.
 */
versions: Array<string>, 
/**
 * Older copies beside the library that have it all still, by name.
 */
copies: Array<string>, };

export type Freed = { 
/**
 * In bytes.
 */
bytes: number, };

export type GetModel = { 
/**
 * Its name.
 */
name: string, 
/**
 * The name of the licence, which the person has accepted.
 */
licence: string, 
/**
 * Whether the files are kept as they were published, too.
 */
keep_original: boolean, };

export type Grant = string;

export type Granted = { 
/**
 * For the command that it was chosen for.
 */
grant: Grant, 
/**
 * Names of the files or folders, without the folders that they are in.
 */
names: Array<string>, };

export type HeatMap = { 
/**
 * Parts in a row and in a column.
 */
side: number, 
/**
 * From 0 to 1, row by row.
 */
values: Array<number>, };

export type ImportModel = { 
/**
 * The folder that the person chose.
 */
folder: Grant, };

export type ImportVersion = { 
/**
 * The file that a person chose.
 */
file: Grant, };

export type Interval = { 
/**
 * The share.
 */
percent: number, 
/**
 * Lower end of the interval.
 */
low: number, 
/**
 * Upper end of it.
 */
high: number, };

export type JobAction = "pause" | "resume" | "cancel";

export type JobRequest = { 
/**
 * Its number.
 */
job: number, };

export type JobRow = { 
/**
 * Its number.
 */
id: number, 
/**
 * What sort of job it is: `index`, `follow`, `caption`, `copy`, `teach` or `activate`.
 */
kind: string, 
/**
 * How it stands.
 */
state: JobState, 
/**
 * Why it failed.
 */
error: ErrorReply | null, 
/**
 * What it is doing, a word: `scan`, `index`, `caption`, `copy`, `read`, `look`, `train`, `evaluate` or `vectors`.
 */
phase: string, 
/**
 * Items finished in this phase.
 */
done: number, 
/**
 * Items in this phase; 0 while it is not known.
 */
total: number, 
/**
 * Items a second over the last ten seconds.
 */
rate: number, 
/**
 * Seconds to the end of the phase.
 */
eta_seconds: number | null, 
/**
 * The file last worked on.
 */
current: string | null, 
/**
 * Whether it waits for another Sightline to end its work on the library.
 */
is_waiting: boolean, 
/**
 * The number of that process, if it is known.
 */
waits_for: number | null, };

export type JobState = "queued" | "running" | "paused" | "done" | "failed" | "cancelled";

export type KeepOne = { 
/**
 * The file that stays.
 */
kept: PlaceNumber, 
/**
 * The files that go.
 */
gone: Array<PlaceNumber>, };

export type KnownPath = string;

export type LabelReport = { 
/**
 * The label.
 */
name: string, 
/**
 * Photos learned from.
 */
train: number, 
/**
 * Photos held out.
 */
held_out: number, 
/**
 * Percent of the photos called so that are; null when none was called so.
 */
precision: number | null, 
/**
 * Percent of its photos that were called so; null when none was held out.
 */
recall: number | null, 
/**
 * Held-out photos told right, the surest first, those of the library only.
 */
hits: Array<number>, };

export type Language = "system" | "en" | "zh";

export type LibraryCheck = { 
/**
 * What is wrong, one sentence each; none when all is well.
 */
faults: Array<string>, };

export type Mistake = { 
/**
 * The photo's number; null when it is not in the library.
 */
photo: number | null, 
/**
 * Its file.
 */
path: string, 
/**
 * What it is.
 */
label: string, 
/**
 * What it was taken for.
 */
taken_for: string, 
/**
 * How surely, 0 to 1.
 */
confidence: number, };

export type ModelCard = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its identity.
 */
id: string, 
/**
 * The card, in Markdown.
 */
markdown: string, 
/**
 * Size of its files.
 */
bytes: number, };

export type ModelOffer = { 
/**
 * The repository.
 */
repository: string, 
/**
 * The licence's name.
 */
licence: string, 
/**
 * Where its text is.
 */
licence_url: string, 
/**
 * About how many bytes there are to fetch.
 */
bytes: number, 
/**
 * About how many bytes it takes then.
 */
bytes_on_disk: number, 
/**
 * Whether the checksum of its weights is published.
 */
digest_known: boolean, };

export type ModelRequest = { 
/**
 * Its name.
 */
name: string, };

export type ModelRow = { 
/**
 * Its name.
 */
name: string, 
/**
 * How it stands.
 */
state: ModelStanding, 
/**
 * What is wrong with one that is broken.
 */
reason: string | null, 
/**
 * Whether the library uses it.
 */
in_use: boolean, 
/**
 * One line for people.
 */
summary: string, 
/**
 * What it is for: `search`, `captions`, `questions`; empty where that is not known.
 */
purposes: Array<string>, 
/**
 * Languages that it understands, where that is known.
 */
languages: string | null, 
/**
 * Bytes on this computer, with what is kept of a download.
 */
bytes_on_disk: number, 
/**
 * What is to be had, for a published model.
 */
offer: ModelOffer | null, 
/**
 * What the library keeps of it.
 */
vectors: VectorsRow | null, 
/**
 * What came of trying it on this computer, where it was tried.
 */
proof: ProofRow | null, };

export type ModelStanding = "bundled" | "installed" | "broken" | "begun" | "offered" | "absent" | "gone";

export type Models = { 
/**
 * The bundled one first, then what is on this computer, then what can be had.
 */
models: Array<ModelRow>, 
/**
 * Bytes that are free on the disk of the models, where that is known.
 */
free_bytes: number | null, 
/**
 * What came of teaching the model in use again, if that was done when it was taken into use.
 */
taught_again: TaughtAgain | null, };

export type NoDuplicates = { 
/**
 * The group's photos.
 */
photos: Array<number>, 
/**
 * Whether this takes back that they are no duplicates.
 */
undo: boolean, };

export type Overview = { 
/**
 * Where the library lies.
 */
library: string, 
/**
 * Size of its files.
 */
bytes_on_disk: number, 
/**
 * Photos of different content.
 */
photos: number, 
/**
 * Photos that can be found by describing them.
 */
searchable: number, 
/**
 * Files that cannot be read.
 */
problems: number, 
/**
 * Its folders.
 */
folders: Array<FolderRow>, 
/**
 * Questions that wait for an answer.
 */
absences: Array<AbsenceRow>, 
/**
 * Folders that are looked through now and then, because the system tells of no more changes than it does.
 */
crowded: Array<string>, 
/**
 * Jobs that are not over.
 */
jobs: Array<JobRow>, 
/**
 * Name of the model that the library uses, when it is not on this computer: nothing can be searched then.
 */
model_absent: string | null, };

export type PathList = { 
/**
 * Absolute paths.
 */
paths: Array<string>, };

export type PhotoAnswer = { 
/**
 * The answer, or what there was of it when it was stopped; empty where nothing could be said.
 */
text: string, 
/**
 * The model's name.
 */
model: string, 
/**
 * Whether it was stopped, by a person or by another question.
 */
stopped: boolean, };

export type PhotoDetail = { 
/**
 * Its number.
 */
id: number, 
/**
 * Name of its file.
 */
name: string, 
/**
 * Everywhere it lies.
 */
paths: Array<string>, 
/**
 * Whether none of its files is there.
 */
missing: boolean, 
/**
 * Local time `YYYY-MM-DDTHH:MM:SS`, perhaps with a fraction, with the offset where it is known; less where less is.
 */
taken_at: string | null, 
/**
 * Whether that is a guess from the file's name.
 */
date_guessed: boolean, 
/**
 * The camera's name.
 */
camera: string | null, 
/**
 * The lens's name.
 */
lens: string | null, 
/**
 * Degrees, north positive.
 */
latitude: number | null, 
/**
 * Degrees, east positive.
 */
longitude: number | null, 
/**
 * Town, region and country where it was taken.
 */
place: string | null, 
/**
 * Stars, 0 to 5; -1 for a photo that was rejected.
 */
rating: number | null, 
/**
 * Width in pixels, upright.
 */
width: number, 
/**
 * Height in pixels, upright.
 */
height: number, 
/**
 * The file's format.
 */
format: string, 
/**
 * Size of the file.
 */
size_bytes: number, 
/**
 * Albums it is in.
 */
albums: Array<number>, 
/**
 * Files that belong to it: its RAW file, the film of a Live Photo.
 */
companions: Array<string>, };

export type PhotoList = { 
/**
 * Their numbers.
 */
ids: Array<number>, };

export type PhotoRequest = { photo: number, };

export type Photos = { filters: Filters, sort: Sort, };

export type PlaceNumber = { 
/**
 * The photo.
 */
photo: number, 
/**
 * The place.
 */
location: number, };

export type Privacy = { 
/**
 * Photos that lie in no folder any more.
 */
missing: number, 
/**
 * Photos that are kept out.
 */
photos_out: number, 
/**
 * Folders that are kept out.
 */
folders_out: number, };

export type ProblemRow = { 
/**
 * Absolute path.
 */
path: string, 
/**
 * The file's name.
 */
name: string, 
/**
 * A short stable code.
 */
code: string, 
/**
 * What is wrong with it.
 */
reason: string, };

export type ProofRow = { 
/**
 * Sentences that found their photo, of how many; null where there were no sample photos.
 */
right: number | null, 
/**
 * How many sentences there were.
 */
of: number | null, 
/**
 * How many of them found their photo by the bundled model.
 */
bundled: number | null, 
/**
 * Why it must not be used, and what to do; null where it may.
 */
fault: string | null, };

export type Purpose = "add_folders" | "similar_to_file" | "export_table" | "export_copies" | "back_up" | "restore_backup" | "export_version" | "import_version" | "import_model" | "choose_library";

export type RemoveFolder = { path: KnownPath, };

export type RenameAlbum = { album: number, name: string, };

export type Rescan = { retry_problems: boolean, };

export type RestoreBackup = { 
/**
 * The file that a person chose.
 */
file: Grant, };

export type Reveal = { path: KnownPath, };

export type Search = { query: string, limit: number, less_likely: number | null, filters: Filters, sort: Sort, as_words: Array<string> | null, };

export type SearchReply = { 
/**
 * Most likely what was asked for.
 */
strong: Array<number>, 
/**
 * Perhaps what was asked for.
 */
possible: Array<number>, 
/**
 * Below the bar of a possible match, if they were asked for.
 */
less_likely: Array<number>, 
/**
 * What there is after the last of them.
 */
beyond: Beyond, 
/**
 * A value of a filter that no photo has, where nothing was found.
 */
unknown: UnknownValue | null, 
/**
 * What was understood of the query's words, in their order.
 */
chips: Array<ChipRow>, 
/**
 * Whether photos were judged by how they look; else they only meet what was said of them.
 */
judged: boolean, 
/**
 * Photos that were compared.
 */
searched: number, 
/**
 * Milliseconds that it took.
 */
took_ms: number, };

export type Settings = { 
/**
 * Colours of the window.
 */
theme: Theme, 
/**
 * Language of the window.
 */
language: Language, 
/**
 * Where the model runs; heeded from the next start.
 */
device: DeviceChoice, 
/**
 * What was searched for, the latest first.
 */
recent_searches: Array<string>, 
/**
 * Whether folders are watched, so that new photos are found at once.
 */
watch: boolean, 
/**
 * Whether the person has answered the offer of a better model.
 */
offer_answered: boolean, };

export type Similar = { photo: number, limit: number, };

export type SimilarToFile = { file: Grant, limit: number, };

export type Sort = "match" | "newest" | "oldest";

export type StartFailure = { 
/**
 * What sort of failure it is.
 */
kind: StartFailureKind, 
/**
 * The error's code.
 */
code: string, 
/**
 * What is wrong, naming the file.
 */
message: string, 
/**
 * What may help, the likeliest first.
 */
ways: Array<StartWay>, };

export type StartFailureKind = "read_only" | "damaged" | "newer" | "older" | "locked" | "full" | "missing" | "other";

export type StartState = { 
/**
 * The library's folder.
 */
library: string, 
/**
 * Whether the library is open for reading only.
 */
read_only: boolean, 
/**
 * What is in the way; null when the library is open.
 */
failure: StartFailure | null, };

export type StartWay = "retry" | "read_only" | "repair" | "restore" | "choose" | "standard";

export type Started = { 
/**
 * How the start stands now.
 */
state: StartState, 
/**
 * Where the library lies that was there before, after a repair or a restore.
 */
kept: string | null, 
/**
 * Rows that a repair could not save.
 */
lost: number, 
/**
 * Whether the choice of a library lasts beyond this run.
 */
choice_lasts: boolean, };

export type SuggestedLabel = { 
/**
 * The label.
 */
name: string, 
/**
 * The album of this name; null when there is none.
 */
album: number | null, 
/**
 * Photos suggested.
 */
photos: number, };

export type SuggestionRow = { 
/**
 * The photo.
 */
photo: number, 
/**
 * The label.
 */
label: string, 
/**
 * How surely, 0 to 1.
 */
confidence: number, };

export type Suggestions = { 
/**
 * The active version's labels with the number of photos suggested for each.
 */
labels: Array<SuggestedLabel>, 
/**
 * The photos, the surest first.
 */
photos: Array<SuggestionRow>, };

export type SuggestionsRequest = { 
/**
 * Of this label only; null for all.
 */
label: string | null, 
/**
 * Photos at most.
 */
limit: number, };

export type SwitchPlan = { 
/**
 * Photos that it has to look at first.
 */
to_index: number, 
/**
 * How many it looks at in a second.
 */
photos_per_second: number | null, 
/**
 * Seconds until it is in use, about.
 */
seconds: number | null, 
/**
 * Bytes that its vectors will take.
 */
bytes: number, 
/**
 * Labels that it will be taught.
 */
labels: Array<string>, };

export type TagChange = "keep" | "remove" | "restore";

export type TagOrigin = "person" | "file" | "model";

export type TagRow = { 
/**
 * The word, or a few of them.
 */
name: string, 
/**
 * Whose it is.
 */
origin: TagOrigin, };

export type TaughtAgain = { 
/**
 * The version that was in use before.
 */
from: string, 
/**
 * The version that came of it; null where it could not be taught.
 */
version: string | null, 
/**
 * The labels.
 */
labels: Array<string>, 
/**
 * Percent of the held-out photos that the one before told right.
 */
before: number | null, 
/**
 * The same of the new one.
 */
after: number | null, 
/**
 * Why it could not be taught.
 */
problem: string | null, };

export type TeachCurve = { 
/**
 * Its points.
 */
points: Array<CurvePoint>, 
/**
 * The version that came of it, once it is over.
 */
version: number | null, };

export type TeachDepth = "probe" | "adapter" | "deep";

export type TeachPlan = { 
/**
 * The albums in the order asked for.
 */
labels: Array<TeachPlanLabel>, 
/**
 * Photos to learn from.
 */
train: number, 
/**
 * Photos kept to prove what was learned.
 */
held_out: number, 
/**
 * Photos that are in more than one of the albums, and are left out.
 */
in_several: Array<number>, 
/**
 * What to know before starting, a code each: `few_photos`, `imbalance`, `in_several`, `near_duplicates`,
 * `too_many_for_deep`.
 */
warnings: Array<string>, 
/**
 * Why it cannot be done, a code: `no_labels`, `no_photos`; null when it can.
 */
problem: string | null, 
/**
 * Seconds that each depth takes, as far as can be told.
 */
seconds: TeachSeconds, };

export type TeachPlanLabel = { 
/**
 * The album's number.
 */
album: number, 
/**
 * Its name.
 */
name: string, 
/**
 * Photos that can be learned from.
 */
photos: number, 
/**
 * Those of them that nearly repeat another one.
 */
near_duplicates: number, 
/**
 * Fewer than eight photos: it will be learned badly.
 */
few: boolean, };

export type TeachPlanRequest = { 
/**
 * Their numbers.
 */
albums: Array<number>, };

export type TeachReport = { 
/**
 * The version.
 */
version: VersionRow, 
/**
 * Photos learned from.
 */
train: number, 
/**
 * Photos held out.
 */
held_out: number, 
/**
 * Of the held-out photos, told right by the untaught model; null when none were held out.
 */
before: Interval | null, 
/**
 * Told right by this version.
 */
after: Interval | null, 
/**
 * Recall at 10 of general queries before, in percent.
 */
guard_before: number, 
/**
 * And after.
 */
guard_after: number, 
/**
 * By label.
 */
labels: Array<LabelReport>, 
/**
 * Held-out photos by true label (row) and answer (column), in the order of `labels`.
 */
confusion: Array<Array<number>>, 
/**
 * Held-out photos that were told wrong, the surest first.
 */
mistakes: Array<Mistake>, 
/**
 * The learning curve.
 */
curve: Array<CurvePoint>, 
/**
 * Seconds that it took.
 */
seconds: number, };

export type TeachSeconds = { 
/**
 * Of a probe.
 */
probe: number, 
/**
 * Of an adapter.
 */
adapter: number, 
/**
 * Of deep learning.
 */
deep: number, };

export type TeachStart = { 
/**
 * Albums by number.
 */
albums: Array<number>, 
/**
 * How much of the model is taught.
 */
depth: TeachDepth, 
/**
 * Passes over the photos; null for the depth's own.
 */
epochs: number | null, 
/**
 * Learning rate; null for the depth's own.
 */
learning_rate: number | null, 
/**
 * Photos a batch; null for the depth's own.
 */
batch: number | null, 
/**
 * Seed of the split and of all chance.
 */
seed: number, };

export type Theme = "system" | "light" | "dark";

export type TrashDuplicates = { 
/**
 * One of each group stays.
 */
groups: Array<KeepOne>, };

export type TrashPhotos = { 
/**
 * Their numbers.
 */
photos: Array<number>, 
/**
 * The language that the person is asked in.
 */
language: Language, };

export type TrashUndone = { 
/**
 * Files that lie again where they lay.
 */
back: number, 
/**
 * Why the others do not, in sentences that name them.
 */
failed: Array<string>, };

export type UnknownKind = "place" | "camera" | "lens";

export type UnknownValue = { 
/**
 * What it would be.
 */
kind: UnknownKind, 
/**
 * As it was asked for.
 */
value: string, };

export type UnsureCaption = { 
/**
 * The sentence that does not fit well enough to be a caption.
 */
guess: string, 
/**
 * The photo's keywords, and the tags that the model is sure of.
 */
tags: Array<string>, };

export type VectorsRow = { 
/**
 * Photos that it has looked at.
 */
photos: number, 
/**
 * Bytes of its vectors.
 */
bytes: number, };

export type Verdict = "yes" | "no" | "undo";

export type VersionFile = { 
/**
 * Its number.
 */
version: number, 
/**
 * Where it is written, as a person chose.
 */
file: Grant, };

export type VersionRequest = { 
/**
 * Its number.
 */
version: number, };

export type VersionRow = { 
/**
 * Its number.
 */
id: number, 
/**
 * Its name, `v1`.
 */
name: string, 
/**
 * How it was taught.
 */
depth: TeachDepth, 
/**
 * Whether the library uses it.
 */
active: boolean, 
/**
 * When it was made, in seconds since 1970.
 */
made_at: number, 
/**
 * What it knows.
 */
labels: Array<string>, 
/**
 * Percent of the held-out photos told right before; null where there were too few to hold any out.
 */
before: number | null, 
/**
 * Percent of them told right now.
 */
after: number | null, 
/**
 * Points of recall at 10 that general search gained (lost, if negative).
 */
guard_change: number, };

export type WhyNot = "pixels" | "format" | "rating" | "sidecar" | "compression" | "camera" | "date" | "place" | "albums" | "age" | "tie";

export type WriteCaption = { photo: number, text: string, };

export type WriteOutCaption = { photo: number, into_file: boolean, };

export type WriteOutPreview = { 
/**
 * The photo's file.
 */
path: string, 
/**
 * The file beside it that would be written or made.
 */
sidecar: string, 
/**
 * The caption that is there now.
 */
caption_now: string | null, 
/**
 * The keywords that are there now.
 */
keywords_now: Array<string>, 
/**
 * The caption that would be there.
 */
caption: string | null, 
/**
 * The keywords that would be there.
 */
keywords: Array<string>, };

/** Every command with its request and its reply. */
export interface Rpc {
  overview: [null, Overview];
  add_folders: [AddFolders, JobRow];
  add_samples: [null, JobRow];
  remove_folder: [RemoveFolder, null];
  rescan: [Rescan, JobRow];
  answer_absence: [AnswerAbsence, null];
  control_job: [ControlJob, JobRow];
  problems: [null, Array<ProblemRow>];
  search: [Search, SearchReply];
  photos: [Photos, PhotoList];
  similar: [Similar, SearchReply];
  similar_to_file: [SimilarToFile, SearchReply];
  photo: [PhotoRequest, PhotoDetail];
  explain: [Explain, HeatMap];
  caption: [PhotoRequest, CaptionDetail];
  describe: [PhotoRequest, CaptionDetail];
  ask: [Ask, PhotoAnswer];
  stop_asking: [null, null];
  write_caption: [WriteCaption, CaptionDetail];
  undo_caption: [PhotoRequest, CaptionDetail];
  write_out_preview: [PhotoRequest, Array<WriteOutPreview>];
  write_out_caption: [WriteOutCaption, PathList];
  undo_write_out: [null, PathList];
  tags: [PhotoRequest, Array<TagRow>];
  change_tag: [ChangeTag, Array<TagRow>];
  reveal_tag_list: [null, null];
  describe_photos: [DescribePhotos, JobRow];
  captions_to_review: [null, PhotoList];
  teach_plan: [TeachPlanRequest, TeachPlan];
  teach_start: [TeachStart, JobRow];
  teach_curve: [JobRequest, TeachCurve];
  versions: [null, Array<VersionRow>];
  teach_report: [VersionRequest, TeachReport];
  activate_version: [VersionRequest, JobRow];
  rollback_version: [null, JobRow];
  remove_version: [VersionRequest, null];
  export_version: [VersionFile, null];
  import_version: [ImportVersion, VersionRow];
  suggestions: [SuggestionsRequest, Suggestions];
  answer_suggestion: [AnswerSuggestion, null];
  find_duplicates: [null, JobRow];
  duplicates: [DuplicatesRequest, Duplicates];
  no_duplicates: [NoDuplicates, null];
  trash_duplicates: [TrashDuplicates, JobRow];
  trash_photos: [TrashPhotos, JobRow | null];
  undo_trash: [null, TrashUndone];
  forget_plan: [Forget, ForgetPlan];
  forget: [Forget, JobRow];
  privacy: [null, Privacy];
  let_all_in: [null, null];
  facets: [null, Facets];
  albums: [null, Array<AlbumRow>];
  create_album: [CreateAlbum, AlbumRow];
  rename_album: [RenameAlbum, null];
  remove_album: [AlbumRequest, null];
  add_to_album: [AlbumPhotos, null];
  remove_from_album: [AlbumPhotos, null];
  reveal: [Reveal, null];
  export_table: [ExportTable, null];
  export_copies: [ExportCopies, JobRow];
  back_up: [BackUp, BackedUp];
  check_library: [null, LibraryCheck];
  settings: [null, Settings];
  save_settings: [Settings, null];
  devices: [null, Array<DeviceRow>];
  measure_device: [null, DeviceSpeed];
  model_card: [null, ModelCard];
  models: [null, Models];
  get_model: [GetModel, JobRow];
  import_model: [ImportModel, JobRow];
  switch_plan: [ModelRequest, SwitchPlan];
  stop_using_model: [ModelRequest, null];
  use_model: [ModelRequest, JobRow];
  free_vectors: [ModelRequest, JobRow];
  verify_model: [ModelRequest, JobRow];
  remove_model: [ModelRequest, Freed];
  third_party_notices: [null, string];
  start_state: [null, StartState];
  retry_start: [null, Started];
  open_read_only: [null, Started];
  repair_library: [null, Started];
  restore_backup: [RestoreBackup, Started];
  choose_library: [ChooseLibrary, Started];
  choose: [Choose, Granted | null];
}

/** What the shell tells unasked, by name. */
export interface Events {
  /** A job changed its state or came further; at most ten a second for each. */
  job: JobRow;
  /** Photos came or went; at most one a second. */
  library_changed: null;
  /** Files are dragged over the window, or let go there. */
  drag: FileDrag;
}
