/** What the search box says of what it understood, in English. */
export const meaningEn = {
  label: (meaning: string, words: string) => `${meaning}: search for the words “${words}” instead`,
  asWords: (words: string) => `Search for the words “${words}” instead`,
  fromTo: (from: string, to: string) => `${from} to ${to}`,
  eachYear: (date: string) => `${date} of any year`,
  place: (name: string) => `Place: ${name}`,
  folder: (name: string) => `Folder: ${name}`,
  album: (name: string) => `Album: ${name}`,
  camera: (name: string) => `Camera: ${name}`,
  file: (name: string) => `File name: ${name}`,
  screenshots: "Screenshots",
  without: (unwanted: string[]) => `Without ${unwanted.join(", ")}`,
  inAlbum: (name: string) => `In the album ${name}`,
  inFolder: (name: string) => `In the folder ${name}`,
  everywhere: "Search the whole library",
  suggestions: "Suggestions",
};

export type MeaningMessages = typeof meaningEn;
