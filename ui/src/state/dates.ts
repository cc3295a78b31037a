/**
 * Days, months and years as people type them, read into the days that they cover.
 *
 * What the year is not first in is read in the order of the person's locale; where only the other order is a date, in
 * that one. Dates here are `YYYY-MM-DD`.
 */
export type DateOrder = "dmy" | "mdy" | "ymd";

/** The days from the first to the last, both of them part of it. */
export interface Period {
  first: string;
  last: string;
}

/** No photo is from before the first; a clock may be ahead, but not by a century. */
const YEARS = { first: 1800, last: 2100 };
const GREGORIAN = { calendar: "gregory", numberingSystem: "latn", timeZone: "UTC" } as const;
/** What stands behind numbers in dates and says nothing. */
const SUFFIXES = /^(st|nd|rd|th|of|de|del)$/;

/** The order of day, month and year in a locale. */
export function dateOrder(locale: string): DateOrder {
  const parts = new Intl.DateTimeFormat(locale, { ...GREGORIAN, year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(0);
  const order = parts.flatMap(({ type }) => (type === "year" || type === "month" || type === "day" ? [type[0]] : [])).join("");
  return order === "mdy" || order === "ymd" ? order : "dmy";
}

/** Reads a year, a month or a day; null when it is none of these. `thisYear` decides the century of two digits. */
export function readPeriod(typed: string, locale: string, thisYear = new Date().getFullYear()): Period | null {
  // Some locales write marks that only turn the direction of the text.
  const text = typed.normalize("NFKC").replace(/\p{Cf}/gu, "").toLowerCase();
  const tokens = text.replace(/[年月日号號년월일]/gu, " ").match(/[\p{L}\p{M}]+|\d+/gu) ?? [];
  const names = monthNames(locale);
  const months = tokens.flatMap((token) => (names.has(token) ? [names.get(token) as number] : []));
  const numbers = tokens.filter((token) => /^\d+$/.test(token));
  const known = months.length + numbers.length + tokens.filter((token) => SUFFIXES.test(token)).length;
  if (known < tokens.length || months.length > 1 || !/^[\p{L}\p{M}\d\s.,/\-–]*$/u.test(text)) return null;
  const full = (year: string) => (year.length === 2 ? century(Number(year), thisYear) : Number(year));
  const [month] = months;
  return month === undefined ? readNumbers(numbers, dateOrder(locale), full) : readNamed(numbers, month, full);
}

type FullYear = (year: string) => number;

function readNamed(numbers: string[], month: number, full: FullYear): Period | null {
  const [first = "", second] = numbers;
  if (numbers.length === 1) return first.length === 4 ? monthOf(Number(first), month) : null;
  if (numbers.length !== 2 || second === undefined) return null;
  return first.length === 4 ? dayOf(Number(first), month, Number(second)) : dayOf(full(second), month, Number(first));
}

function readNumbers(numbers: string[], order: DateOrder, full: FullYear): Period | null {
  const [a = "", b = "", c = ""] = numbers;
  if (numbers.length === 1) return readDigits(a, order, full);
  if (numbers.length === 2 && a.length === 4) return monthOf(Number(a), Number(b));
  if (numbers.length === 2 && b.length === 4) return monthOf(Number(b), Number(a));
  if (numbers.length !== 3 || b.length > 2) return null;
  if (a.length === 4 && c.length <= 2) return dayOf(Number(a), Number(b), Number(c));
  if (a.length > 2 || (c.length !== 2 && c.length !== 4 && order !== "ymd")) return null;
  if (order === "ymd" && a.length === 2 && c.length <= 2) return dayOf(full(a), Number(b), Number(c));
  return c.length === 2 || c.length === 4 ? yearLast(a, b, full(c), order) : null;
}

/** Digits without anything between them. */
function readDigits(digits: string, order: DateOrder, full: FullYear): Period | null {
  const at = (from: number, to?: number) => digits.slice(from, to);
  if (digits.length === 4) return yearOf(Number(digits));
  if (digits.length === 8) {
    return dayOf(Number(at(0, 4)), Number(at(4, 6)), Number(at(6))) ?? yearLast(at(0, 2), at(2, 4), Number(at(4)), order);
  }
  if (digits.length !== 6) return null;
  const month = monthOf(Number(at(0, 4)), Number(at(4))) ?? monthOf(Number(at(2)), Number(at(0, 2)));
  if (month !== null) return month;
  return order === "ymd" ? dayOf(full(at(0, 2)), Number(at(2, 4)), Number(at(4))) : yearLast(at(0, 2), at(2, 4), full(at(4)), order);
}

/** Day and month before the year, in the order of the locale or in the only one that is a date. */
function yearLast(a: string, b: string, year: number, order: DateOrder): Period | null {
  const dayFirst = dayOf(year, Number(b), Number(a));
  const monthFirst = dayOf(year, Number(a), Number(b));
  return order === "dmy" ? (dayFirst ?? monthFirst) : (monthFirst ?? dayFirst);
}

/** Two digits are of this century, unless that is to come. */
function century(year: number, thisYear: number): number {
  const ours = thisYear - (thisYear % 100) + year;
  return ours > thisYear + 1 ? ours - 100 : ours;
}

function yearOf(year: number): Period | null {
  return isYear(year) ? { first: iso(year, 1, 1), last: iso(year, 12, 31) } : null;
}

function monthOf(year: number, month: number): Period | null {
  return isYear(year) && month >= 1 && month <= 12 ? { first: iso(year, month, 1), last: iso(year, month, daysOf(year, month)) } : null;
}

function dayOf(year: number, month: number, day: number): Period | null {
  if (monthOf(year, month) === null || day < 1 || day > daysOf(year, month)) return null;
  return { first: iso(year, month, day), last: iso(year, month, day) };
}

const isYear = (year: number) => year >= YEARS.first && year <= YEARS.last;
const daysOf = (year: number, month: number) => new Date(Date.UTC(year, month, 0)).getUTCDate();
const iso = (year: number, month: number, day: number) => new Date(Date.UTC(year, month - 1, day)).toISOString().slice(0, 10);

const namesOf = new Map<string, ReadonlyMap<string, number>>();

/** Names of months in a locale and in English, as they stand alone, in dates and short. */
function monthNames(locale: string): ReadonlyMap<string, number> {
  const known = namesOf.get(locale);
  if (known !== undefined) return known;
  const names = new Map<string, number>();
  namesOf.set(locale, names);
  const forms: Intl.DateTimeFormatOptions[] = [
    { month: "long" },
    { month: "short" },
    { month: "long", day: "numeric" },
    { month: "short", day: "numeric" },
  ];
  for (const form of ["en", locale].flatMap((locale) => forms.map((form) => new Intl.DateTimeFormat(locale, { ...GREGORIAN, ...form })))) {
    for (let month = 1; month <= 12; month += 1) {
      const name = form.formatToParts(Date.UTC(2000, month - 1, 15)).find(({ type }) => type === "month")?.value ?? "";
      const word = name.normalize("NFKC").toLowerCase().replace(/\.$/, "");
      if (/^[\p{L}\p{M}]+$/u.test(word)) names.set(word, month);
    }
  }
  return names;
}

/** A day as it would be typed: shorter where it is the first or the last of its month or year. */
export function writeDay(day: string, edge: keyof Period, locale: string): string {
  const [year = 0, month = 0] = day.split("-").map(Number);
  const date = new Date(`${day}T00:00:00Z`);
  const form = (parts: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { ...GREGORIAN, ...parts }).format(date);
  if (yearOf(year)?.[edge] === day) return String(year);
  if (monthOf(year, month)?.[edge] === day) return form({ year: "numeric", month: "2-digit" });
  return form({ year: "numeric", month: "2-digit", day: "2-digit" });
}

/** A year, a month and a day as one types them in a locale. */
export function examples(locale: string): string {
  return ["2015-01-01", "2015-06-01", "2015-06-21"].map((day) => writeDay(day, "first", locale)).join(", ");
}

/** The day some days later. */
export function shiftDay(day: string, by: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + by);
  return date.toISOString().slice(0, 10);
}
