/** 图库无法打开时窗口中的文字，简体中文。 */
import type { StartMessages } from "./start.en";

export const startZh: StartMessages = {
  titles: {
    read_only: "图库无法更改",
    damaged: "图库已损坏",
    newer: "图库由更新版本的 Sightline 创建",
    older: "图库由旧版本的 Sightline 创建",
    locked: "另一个程序正在使用图库",
    full: "磁盘已满",
    missing: "找不到图库",
    other: "无法打开图库",
  },
  leads: {
    read_only: "图库所在的文件夹或磁盘是只读的。可以搜索和查看照片，或将其改为可写后重试。",
    damaged: "照片不受影响。修复时会保留一份图库现状的副本。",
    newer: "请更新 Sightline 后再打开。图库中的内容没有改动。",
    older: "需要先在可写的磁盘上更新一次。请将其改为可写后重试。",
    locked: "请关闭其他 Sightline 窗口，或等待备份或修复完成，然后重试。",
    full: "请释放一些空间后重试。没有丢失任何内容。",
    missing: "图库可能在未连接的磁盘上。请连接磁盘后重试。",
    other: "请重试，或选择其他图库。",
  },
  ways: {
    retry: "重试",
    read_only: "以只读方式打开",
    repair: "修复",
    restore: "恢复备份…",
    choose: "选择其他图库…",
    standard: "使用默认图库",
  },
  details: "详细信息",
  working: "请稍候…",
  repairing: "正在修复图库，可能需要几分钟。",
  chooseBackup: "要恢复的备份",
  chooseLibrary: "图库所在的文件夹",
  repaired: (kept) => `图库已修复。原来的副本保存在 ${kept}`,
  repairedLost: (lost, kept) => `图库已修复，但有 ${lost} 条记录无法挽回。原来的副本保存在 ${kept}`,
  restored: (kept) => (kept === null ? "备份已恢复。" : `备份已恢复。原来的图库保存在 ${kept}`),
  onlyNow: "这个图库只在本次使用，所做的选择无法保存。",
  readOnly: "图库以只读方式打开。可以搜索和查看照片，但不能更改任何内容。",
  readOnlyRefused: "图库以只读方式打开，无法更改。",
};
