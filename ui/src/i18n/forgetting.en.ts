/** What is said where something is forgotten for good, in English. */
const number = new Intl.NumberFormat("en");
const photos = (count: number) => `${number.format(count)} ${count === 1 ? "photo" : "photos"}`;

export const forgettingEn = {
  action: "Forget now…",
  folderMenu: (folder: string) => `Actions for ${folder}`,
  confirm: "Forget now",
  photosTitle: (count: number) => (count === 1 ? "Forget this photo?" : `Forget ${photos(count)}?`),
  folderTitle: (folder: string) => `Forget ${folder}?`,
  missingTitle: (count: number) => `Forget ${photos(count)} that ${count === 1 ? "is" : "are"} in no folder?`,
  searchesTitle: "Forget your searches?",
  lead: "Thumbnails, captions, keywords, albums and everything else the library knows are erased from its files, also of copies of the same photo. Captions, albums and ratings given here cannot be brought back. The photos on disk are not touched.",
  searchesLead: "The searches that Sightline remembers are erased from its files.",
  count: (count: number) => `${photos(count)} will be forgotten.`,
  stay: (count: number) => `${photos(count)} in other folders too will stay.`,
  folderLeaves: "The folder is removed from the library.",
  keepsOut: "They stay out when their folder is indexed again. For this the library keeps a keyed hash of each photo, which does not show what it was. You can let them back in under Settings → Privacy.",
  keepsNothing: "Adding the folder again indexes it like a new one, except for photos that you forgot one by one before. Photos deleted from it earlier can be forgotten under Settings → Privacy.",
  versions: (names: string) => `What the model learned from these photos stays in: ${names}. To remove it, delete these versions.`,
  copies: "These older copies of the library still contain everything. They are not deleted:",
  backups: "Backups in other places still contain everything, too.",
  forgetting: "Forgetting",
  waiting: "Waiting for indexing to pause",
  erasing: "Erasing",
  done: "Forgotten, and erased from the library’s files",
  title: "Privacy",
  privacyLead: "Forgotten photos and searches are erased from the library’s files, not only hidden.",
  searches: (count: number) => (count === 0 ? "No searches are remembered." : `${number.format(count)} ${count === 1 ? "search is" : "searches are"} remembered.`),
  forgetSearches: "Forget searches…",
  missing: (count: number) => (count === 0 ? "Nothing is kept of photos that are gone." : `${photos(count)} in no folder any more ${count === 1 ? "is" : "are"} kept for 30 days in case ${count === 1 ? "it comes" : "they come"} back.`),
  forgetMissing: "Forget them…",
  out: (count: number, folders: number) =>
    `${photos(count)}${folders === 0 ? "" : ` and ${number.format(folders)} ${folders === 1 ? "folder" : "folders"}`} that you forgot ${count + folders === 1 ? "stays" : "stay"} out of the library.`,
  letIn: "Let back in",
  letInDone: "They will be indexed the next time Sightline looks for changes",
};

export type ForgettingMessages = typeof forgettingEn;
