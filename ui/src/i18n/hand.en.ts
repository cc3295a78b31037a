/** What the hand does with photos, in English: menus, full screen, zoom, copying, the trash. */
export const handEn = {
  fullScreen: "Full screen",
  wholeSize: "Actual size",
  zoom: (percent: string) => `${percent}; press for actual size or to fit`,
  copy: "Copy",
  copied: (count: number) => (count === 1 ? "Photo copied" : `${count} file paths copied`),
  background: "Photos",
  trash: "Move to trash",
  trashed: "Moved to the trash",
  restored: (files: number) => (files === 1 ? "1 file restored" : `${files} files restored`),
  trashing: "Moving to the trash",
};

export type HandMessages = typeof handEn;
