/** As much of Markdown as model cards use: headings, paragraphs, lists and tables, as plain text. */
export type Block =
  | { kind: "heading"; level: number; text: string }
  | { kind: "paragraph"; text: string }
  | { kind: "list"; items: string[] }
  | { kind: "table"; head: string[]; rows: string[][] };

/** Text without its marks: `**bold**`, `` `code` ``, `[text](address)`. */
function plain(text: string): string {
  return text.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/\*\*|__|`/g, "").trim();
}

function cells(line: string): string[] {
  return line.replace(/^\||\|$/g, "").split("|").map(plain);
}

export function blocks(markdown: string): Block[] {
  const found: Block[] = [];
  for (const paragraph of markdown.split(/\n\s*\n/)) {
    const lines = paragraph.split("\n").filter((line) => line.trim() !== "");
    while (lines.length > 0) {
      const first = lines[0] ?? "";
      const heading = /^(#{1,6})\s+(.*)$/.exec(first);
      if (heading !== null) {
        found.push({ kind: "heading", level: heading[1]?.length ?? 1, text: plain(heading[2] ?? "") });
        lines.shift();
      } else if (first.startsWith("|")) {
        const [head, , ...rows] = lines.splice(0).filter((line) => line.startsWith("|")).map(cells);
        found.push({ kind: "table", head: head ?? [], rows });
      } else if (/^\s*[-*]\s/.test(first)) {
        const items: string[] = [];
        for (const line of lines.splice(0)) {
          if (/^\s*[-*]\s/.test(line)) items.push(line.replace(/^\s*[-*]\s/, ""));
          else items.push(`${items.pop() ?? ""} ${line.trim()}`);
        }
        found.push({ kind: "list", items: items.map(plain) });
      } else {
        const end = lines.findIndex((line) => /^(#{1,6}\s|\||\s*[-*]\s)/.test(line));
        found.push({ kind: "paragraph", text: plain(lines.splice(0, end < 0 ? lines.length : end).join(" ")) });
      }
    }
  }
  return found;
}
