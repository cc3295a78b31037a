/** What Settings say of backups and of the check, in Chinese. */
import type { SafekeepingMessages } from "./safekeeping.en";

export const safekeepingZh: SafekeepingMessages = {
  title: "备份与检查",
  lead: "备份是一个文件，包含相册、说明、关键词以及模型学到的内容，不包含照片本身。可用 `sightline restore 文件` 恢复。",
  backUp: "备份…",
  backingUp: "正在备份…",
  saveTitle: "将图库备份到",
  fileName: "sightline-backup.sqlite",
  saved: (file, size) => `已备份到 ${file}（${size}）`,
  check: "检查图库",
  checking: "正在检查…",
  sound: "图库完好。",
  wrong: "发现问题。请关闭 Sightline 并运行 `sightline check --repair`：它会修复图库并保留一份副本。",
};
