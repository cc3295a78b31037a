/** What the window says when the library does not open, in English. */
import type { StartFailureKind, StartWay } from "../api/bindings";

const titles: Record<StartFailureKind, string> = {
  read_only: "The library cannot be changed",
  damaged: "The library is damaged",
  newer: "The library was made by a newer Sightline",
  older: "The library was made by an older Sightline",
  locked: "Another program is using the library",
  full: "The disk is full",
  missing: "The library is not there",
  other: "The library cannot be opened",
};

const leads: Record<StartFailureKind, string> = {
  read_only: "Its folder or disk is read-only. You can search and look at your photos, or make it writable and try again.",
  damaged: "Your photos are not affected. A repair keeps a copy of the library as it is now.",
  newer: "Update Sightline to open it. Nothing in it was changed.",
  older: "It has to be updated once on a disk that can be written. Make it writable and try again.",
  locked: "Close other Sightline windows, or wait until a backup or a repair has finished, and try again.",
  full: "Free some space and try again. Nothing was lost.",
  missing: "It may be on a disk that is not connected. Connect the disk and try again.",
  other: "Try again, or choose another library.",
};

const ways: Record<StartWay, string> = {
  retry: "Try again",
  read_only: "Open read-only",
  repair: "Repair",
  restore: "Restore a backup…",
  choose: "Choose another library…",
  standard: "Use the default library",
};

export const startEn = {
  titles,
  leads,
  ways,
  details: "Details",
  working: "Working…",
  repairing: "Repairing the library. This can take a few minutes.",
  chooseBackup: "Backup to restore",
  chooseLibrary: "Folder of the library",
  repaired: (kept: string) => `The library was repaired. A copy of how it was is at ${kept}`,
  repairedLost: (lost: number, kept: string) =>
    `The library was repaired, but ${lost} of its entries could not be saved. A copy of how it was is at ${kept}`,
  restored: (kept: string | null) => (kept === null ? "The backup was restored." : `The backup was restored. The library as it was is at ${kept}`),
  onlyNow: "This library is open until you quit. The choice could not be saved.",
  readOnly: "This library is open read-only. You can search and look at photos, but change nothing.",
  readOnlyRefused: "This library is open read-only, so nothing can be changed.",
};

export type StartMessages = typeof startEn;
