/** What Settings say of backups and of the check, in English. */
export const safekeepingEn = {
  title: "Backup and check",
  lead: "A backup is one file with your albums, captions, keywords and what the model was taught. The photos themselves are not in it. `sightline restore FILE` brings it back.",
  backUp: "Back up…",
  backingUp: "Backing up…",
  saveTitle: "Back the library up to",
  fileName: "sightline-backup.sqlite",
  saved: (file: string, size: string) => `Backed up to ${file} (${size})`,
  check: "Check the library",
  checking: "Checking…",
  sound: "The library is sound.",
  wrong: "Something is wrong. Close Sightline and run `sightline check --repair`: it mends the library and keeps a copy.",
};

export type SafekeepingMessages = typeof safekeepingEn;
