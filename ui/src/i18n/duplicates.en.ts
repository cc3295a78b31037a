/** What the Duplicates panel says, in English. */
import type { WhyNot } from "../api/bindings";

const number = new Intl.NumberFormat("en");
const many = (count: number, one: string, other: string) => `${number.format(count)} ${count === 1 ? one : other}`;
const phases: Record<string, string> = {
  fingerprints: "Preparing photos to compare",
  compare: "Comparing photos",
  prove: "Comparing pixels",
  group: "Grouping duplicates",
  trash: "Moving files to the trash",
};
const why: Record<WhyNot, string> = {
  pixels: "Fewer pixels than the best",
  format: "No raw file with it, or not a format that cameras make",
  rating: "Fewer stars than the best",
  sidecar: "No sidecar beside it",
  compression: "Compressed more than the best",
  camera: "Does not name its camera",
  date: "Does not say when it was taken",
  place: "Named or filed as a copy or a download",
  albums: "In fewer albums, or without your words",
  age: "Changed later than the best",
  tie: "No difference: either will do",
};

export const duplicatesEn = {
  title: "Duplicates",
  lead: "The same photo twice: copies, smaller or re-saved versions, bursts in which nothing moved. Pixels are compared, so that two pages with other words are two photos. You choose what to keep; nothing is moved before you confirm, and then only to the system’s trash.",
  find: "Look for duplicates",
  again: "Look again",
  phases,
  looking: "Looking for duplicates",
  none: "No duplicates",
  noneLead: "Every photo is there once.",
  found: (groups: number, size: string) => `${many(groups, "group", "groups")}; keeping the best of each would free ${size}`,
  position: (at: number, of: number) => `${number.format(at)} of ${number.format(of)}`,
  exact: "The very same file",
  near: "Look alike",
  best: "Best",
  stays: "Stays",
  goes: "Goes",
  keepThis: (index: number) => `Keep file ${index}`,
  why,
  size: "Size",
  pixels: "Pixels",
  format: "Format",
  taken: "Taken",
  changed: "Changed",
  camera: "Camera",
  albums: "Albums",
  folder: "Folder",
  keep: "Keep this, let the rest go",
  skip: "Skip",
  refuse: "Not duplicates",
  keys: "1–9 chooses the one to keep, K keeps it and goes on, S skips, N: not duplicates, Z takes that back, ← and → step through",
  keepAll: "Keep the best of all",
  decideNothing: "Take back all choices",
  decided: "Chosen",
  rule: "How the best is chosen",
  ruleLead:
    "Its raw file or film with it; else more pixels; else more stars; else your words or more albums; else a sidecar; else a format that cameras make; else less compression; else it names its camera; else its date; else it is not named or filed as a copy or a download; else it has lain unchanged for longer. The first difference decides.",
  move: (files: number) => (files === 0 ? "Move the rest to the trash" : `Move ${many(files, "file", "files")} to the trash`),
  confirmTitle: (files: number) => `Move ${many(files, "file", "files")} to the trash?`,
  confirmLead: (files: number, groups: number, size: string) =>
    `To the system’s trash: ${many(files, "file", "files")} of ${many(groups, "group", "groups")} (${size}). One of each group stays. Albums, captions, keywords, answers and stars go to the one that stays.`,
  moved: "The files are in the trash",
  undoTrash: (files: number) => `Take ${many(files, "file", "files")} out of the trash`,
  back: (files: number) => `${many(files, "file is", "files are")} back in place`,
  groups: "All groups",
  group: (name: string, files: number) => `${name}, ${many(files, "file", "files")}`,
};

export type DuplicatesMessages = typeof duplicatesEn;
