/** The language in use. `t()` gives its messages and is followed by whatever shows them. */
import type { Language } from "../api/bindings";
import { en, type Messages } from "./en";
import { zh } from "./zh";

const messages: Record<"en" | "zh", Messages> = { en, zh };

let chosen = $state<Language>("system");

function resolved(): "en" | "zh" {
  if (chosen !== "system") return chosen;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function t(): Messages {
  return messages[resolved()];
}

export function setLanguage(language: Language): void {
  chosen = language;
  document.documentElement.lang = t().locale;
}

/** The system's locale, as far as it tells: decides the order in which dates are typed. */
export function systemLocale(): string {
  return navigator.languages.find(isLocale) ?? t().locale;
}

/** WebKit hands on whatever the system says, also `C`, which is no locale. */
function isLocale(name: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(name).length > 0;
  } catch {
    return false;
  }
}

/** The window's language as it is written where the person is: dates in English are not the same in all countries. */
function localeHere(): string {
  const { region } = new Intl.Locale(systemLocale()).maximize();
  return region === undefined ? t().locale : `${t().locale}-${region}`;
}

/** Seconds as people say them: `2 min`, `1 h 5 min`. */
export function duration(seconds: number): string {
  const unit = (value: number, name: "second" | "minute" | "hour") =>
    new Intl.NumberFormat(t().locale, { style: "unit", unit: name, unitDisplay: "short" }).format(value);
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return unit(whole, "second");
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return unit(minutes, "minute");
  const rest = minutes % 60;
  return rest === 0 ? unit(minutes / 60, "hour") : `${unit(Math.floor(minutes / 60), "hour")} ${unit(rest, "minute")}`;
}

/** Bytes as file managers show them. */
export function fileSize(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
  let step = 0;
  let value = bytes;
  while (value >= 1000 && step < units.length - 1) {
    value /= 1000;
    step += 1;
  }
  const unit = units[step] ?? "byte";
  const digits = value < 10 && step > 0 ? 1 : 0;
  return new Intl.NumberFormat(t().locale, {
    style: "unit",
    unit,
    unitDisplay: "short",
    maximumFractionDigits: digits,
  }).format(value);
}

/**
 * The catalogue's local time `YYYY-MM-DDTHH:MM:SS[.fff][+HH:MM]`, or as much of it as is known, as this language writes
 * it.
 */
export function photoDate(takenAt: string): string {
  const [, year, month, day, hour, minute] =
    /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2}))?)?)?/.exec(takenAt) ?? [];
  if (year === undefined) return takenAt;
  // The time is the camera's own: it is shown as it is, in no other zone.
  const date = new Date(Date.UTC(Number(year), Number(month ?? 1) - 1, Number(day ?? 1), Number(hour ?? 0), Number(minute ?? 0)));
  const known: Intl.DateTimeFormatOptions =
    hour !== undefined
      ? { dateStyle: "long", timeStyle: "short" }
      : day !== undefined
        ? { dateStyle: "long" }
        : month !== undefined
          ? { year: "numeric", month: "long" }
          : { year: "numeric" };
  return new Intl.DateTimeFormat(localeHere(), { ...known, timeZone: "UTC" }).format(date);
}

/** A month, or a day of it, of no year. */
export function monthDay(month: number, day: number | null): string {
  // A leap year: it has every day.
  const date = new Date(Date.UTC(2000, month - 1, day ?? 1));
  const known: Intl.DateTimeFormatOptions = day === null ? { month: "long" } : { month: "long", day: "numeric" };
  return new Intl.DateTimeFormat(localeHere(), { ...known, timeZone: "UTC" }).format(date);
}

/** Stars as they are drawn: `★★★★☆`. */
export function stars(rating: number): string {
  return "★".repeat(rating) + "☆".repeat(5 - rating);
}
