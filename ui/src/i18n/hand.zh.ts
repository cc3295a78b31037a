/** What the hand does with photos, in Chinese: menus, full screen, zoom, copying, the trash. */
import type { HandMessages } from "./hand.en";

export const handZh: HandMessages = {
  fullScreen: "全屏",
  wholeSize: "实际大小",
  zoom: (percent) => `${percent}；按下切换实际大小与适合窗口`,
  copy: "拷贝",
  copied: (count) => (count === 1 ? "已拷贝照片" : `已拷贝 ${count} 个文件路径`),
  background: "照片",
  trash: "移到废纸篓",
  trashed: "已移到废纸篓",
  restored: (files) => `已恢复 ${files} 个文件`,
  trashing: "正在移到废纸篓",
};
