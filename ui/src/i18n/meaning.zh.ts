/** What the search box says of what it understood, in Chinese. */
import type { MeaningMessages } from "./meaning.en";

export const meaningZh: MeaningMessages = {
  label: (meaning, words) => `${meaning}：改为搜索“${words}”这几个字`,
  asWords: (words) => `改为搜索“${words}”这几个字`,
  fromTo: (from, to) => `${from}至${to}`,
  eachYear: (date) => `每年${date}`,
  place: (name) => `地点：${name}`,
  folder: (name) => `文件夹：${name}`,
  album: (name) => `相册：${name}`,
  camera: (name) => `相机：${name}`,
  file: (name) => `文件名：${name}`,
  screenshots: "截图",
  without: (unwanted) => `不含${unwanted.join("、")}`,
  inAlbum: (name) => `在相册“${name}”中`,
  inFolder: (name) => `在文件夹“${name}”中`,
  everywhere: "搜索整个图库",
  suggestions: "建议",
};
