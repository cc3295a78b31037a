/** What is said where something is forgotten for good, in Chinese. */
import type { ForgettingMessages } from "./forgetting.en";

const number = new Intl.NumberFormat("zh-CN");
const photos = (count: number) => `${number.format(count)} 张照片`;

export const forgettingZh: ForgettingMessages = {
  action: "立即忘记…",
  folderMenu: (folder) => `${folder} 的操作`,
  confirm: "立即忘记",
  photosTitle: (count) => (count === 1 ? "忘记这张照片？" : `忘记 ${photos(count)}？`),
  folderTitle: (folder) => `忘记 ${folder}？`,
  missingTitle: (count) => `忘记已不在任何文件夹中的 ${photos(count)}？`,
  searchesTitle: "忘记搜索记录？",
  lead: "缩略图、说明、关键词、相册以及图库知道的其他一切都会从其文件中抹除，同一照片的副本也一样。在此添加的说明、相册和评分无法恢复。磁盘上的照片不受影响。",
  searchesLead: "Sightline 记住的搜索将从其文件中抹除。",
  count: (count) => `将忘记 ${photos(count)}。`,
  stay: (count) => `另有 ${photos(count)}也在其他文件夹中，会保留。`,
  folderLeaves: "该文件夹将从图库中移除。",
  keepsOut: "再次索引所在文件夹时，它们也不会回来。为此图库会为每张照片保留一个带密钥的哈希值，从中看不出照片内容。可在“设置 → 隐私”中重新允许。",
  keepsNothing: "再次添加该文件夹时会像新文件夹一样索引，此前单独忘记的照片除外。更早从中删除的照片可在“设置 → 隐私”中忘记。",
  versions: (names) => `模型从这些照片学到的内容仍保留在以下版本中：${names}。如需清除，请删除这些版本。`,
  copies: "以下较早的图库副本仍包含全部内容，不会被删除：",
  backups: "存放在其他位置的备份也仍包含全部内容。",
  forgetting: "正在忘记",
  waiting: "正在等待索引暂停",
  erasing: "正在抹除",
  done: "已忘记，并已从图库文件中抹除",
  title: "隐私",
  privacyLead: "忘记的照片和搜索会从图库文件中抹除，而不只是隐藏。",
  searches: (count) => (count === 0 ? "没有记住任何搜索。" : `已记住 ${number.format(count)} 条搜索。`),
  forgetSearches: "忘记搜索…",
  missing: (count) => (count === 0 ? "没有保留已消失照片的任何内容。" : `${photos(count)}已不在任何文件夹中，将保留 30 天以备恢复。`),
  forgetMissing: "忘记它们…",
  out: (count, folders) => `您忘记的 ${photos(count)}${folders === 0 ? "" : `和 ${number.format(folders)} 个文件夹`}不会进入图库。`,
  letIn: "重新允许",
  letInDone: "下次查找更改时会重新索引它们",
};
