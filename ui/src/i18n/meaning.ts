/** What was understood of a query's words, in the window's language. */
import type { ChipMeaning } from "../api/bindings";
import { shiftDay } from "../state/dates";
import { monthDay, photoDate, stars, t } from "./index.svelte";

/** The whole day of a beginning that may be a year's or a month's. */
function wholeDay(date: string): string {
  return date + "-01-01".slice(date.length - 4);
}

/** A year, a month, a day, or from one to another. */
function period(from: string, before: string): string {
  const first = wholeDay(from);
  const last = shiftDay(wholeDay(before), -1);
  const [year, month] = first.split("-");
  if (first === last) return photoDate(first);
  if (first === `${year}-01-01` && last === `${year}-12-31`) return photoDate(year as string);
  if (first.endsWith("-01-01") && last.endsWith("-12-31")) return t().meaning.fromTo(first.slice(0, 4), last.slice(0, 4));
  const isFromFirst = first.endsWith("-01");
  const isToLast = shiftDay(last, 1).endsWith("-01");
  if (isFromFirst && isToLast && last.startsWith(`${year}-${month}`)) return photoDate(`${year}-${month}`);
  const shown = (date: string, isWhole: boolean) => photoDate(isWhole ? date.slice(0, 7) : date);
  const areWhole = isFromFirst && isToLast;
  return t().meaning.fromTo(shown(first, areWhole), shown(last, areWhole));
}

export function meaning(of: ChipMeaning): string {
  const messages = t();
  switch (of.kind) {
    case "date":
      if (of.from !== null && of.before !== null) return period(of.from, of.before);
      if (of.from !== null) return messages.filters.since(photoDate(of.from));
      return messages.filters.before(photoDate(shiftDay(wholeDay(of.before ?? ""), -1)));
    case "each_year":
      return messages.meaning.eachYear(monthDay(of.month, of.day));
    case "place":
      return messages.meaning.place(of.name);
    case "folder":
      return messages.meaning.folder(of.name);
    case "album":
      return messages.meaning.album(of.name);
    case "camera":
      return messages.meaning.camera(of.name);
    case "file":
      return messages.meaning.file(of.name);
    case "stars":
      return of.least === of.most ? stars(of.least) : messages.filters.atLeast(stars(of.least));
    case "format":
      return of.format.toUpperCase();
    case "raw":
      return "RAW";
    case "screenshots":
      return messages.meaning.screenshots;
    case "without":
      return messages.meaning.without(of.unwanted);
  }
}
