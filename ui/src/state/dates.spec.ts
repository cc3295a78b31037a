import { describe, expect, it } from "vitest";
import { dateOrder, examples, readPeriod, shiftDay, writeDay } from "./dates";

const LOCALES = ["en-US", "en-GB", "de", "zh"];
const read = (typed: string, locale: string) => {
  const period = readPeriod(typed, locale, 2026);
  return period === null ? null : period.first === period.last ? period.first : `${period.first} ${period.last}`;
};

describe("a date that is typed", () => {
  it("knows the order of the locale", () => {
    expect(LOCALES.map(dateOrder)).toEqual(["mdy", "dmy", "dmy", "ymd"]);
  });

  it.each([
    ["2015", "2015-01-01 2015-12-31"],
    [" 2015 ", "2015-01-01 2015-12-31"],
    ["２０１５", "2015-01-01 2015-12-31"],
    ["06/2015", "2015-06-01 2015-06-30"],
    ["6.2015", "2015-06-01 2015-06-30"],
    ["2015-06", "2015-06-01 2015-06-30"],
    ["2015/6", "2015-06-01 2015-06-30"],
    ["201506", "2015-06-01 2015-06-30"],
    ["062015", "2015-06-01 2015-06-30"],
    ["June 2015", "2015-06-01 2015-06-30"],
    ["feb 2016", "2016-02-01 2016-02-29"],
    ["2015-06-01", "2015-06-01"],
    ["20150601", "2015-06-01"],
    ["2015.6.1", "2015-06-01"],
    ["2015年6月1日", "2015-06-01"],
    ["2015年6月", "2015-06-01 2015-06-30"],
    ["2015年", "2015-01-01 2015-12-31"],
    ["1 June 2015", "2015-06-01"],
    ["June 1st, 2015", "2015-06-01"],
    ["21/6/2015", "2015-06-21"],
    ["6/21/2015", "2015-06-21"],
    ["21062015", "2015-06-21"],
    ["06212015", "2015-06-21"],
    ["1932", "1932-01-01 1932-12-31"],
  ])("%s is the same everywhere", (typed, period) => {
    expect(LOCALES.map((locale) => read(typed, locale))).toEqual(LOCALES.map(() => period));
  });

  it.each([
    ["06012015", ["2015-06-01", "2015-01-06", "2015-01-06", "2015-06-01"]],
    ["6/1/2015", ["2015-06-01", "2015-01-06", "2015-01-06", "2015-06-01"]],
    ["6.1.2015", ["2015-06-01", "2015-01-06", "2015-01-06", "2015-06-01"]],
    ["06-01-15", ["2015-06-01", "2015-01-06", "2015-01-06", "2006-01-15"]],
    ["060115", ["2015-06-01", "2015-01-06", "2015-01-06", "2006-01-15"]],
    ["6/1/99", ["1999-06-01", "1999-01-06", "1999-01-06", "1999-06-01"]],
    ["1. Juni 2015", [null, null, "2015-06-01", null]],
    ["März 2015", [null, null, "2015-03-01 2015-03-31", null]],
  ])("%s is read in the order of the locale", (typed, days) => {
    expect(LOCALES.map((locale) => read(typed, locale))).toEqual(days);
  });

  it.each(["", "20", "201", "20155", "soon", "2015-13", "2015-02-30", "31/04/2015", "13/13/2015", "6/15", "1066", "9999", "2015?", "2014-2016", "1/2/3/2015", "June", "June July 2015", "dog 2015", "0"])(
    "%s is none",
    (typed) => {
      expect(LOCALES.map((locale) => read(typed, locale))).toEqual([null, null, null, null]);
    },
  );

  it("is written so that it is read as the same day", () => {
    for (const locale of [...LOCALES, "sv", "ja", "ko", "fr-CA", "pt-BR", "fa", "ar-EG", "th"]) {
      for (const day of ["2015-06-21", "2015-06-01", "2015-01-01", "2012-02-29", "1999-12-31"]) {
        for (const edge of ["first", "last"] as const) {
          expect(readPeriod(writeDay(day, edge, locale), locale)?.[edge], `${writeDay(day, edge, locale)} in ${locale}`).toBe(day);
        }
      }
    }
    expect(writeDay("2015-01-01", "first", "de")).toBe("2015");
    expect(writeDay("2015-01-01", "last", "de")).toBe("01.01.2015");
    expect(examples("en-US")).toBe("2015, 06/2015, 06/21/2015");
    expect(examples("en-GB")).toBe("2015, 06/2015, 21/06/2015");
  });

  it("is followed by the next day", () => {
    expect([shiftDay("2015-12-31", 1), shiftDay("2016-03-01", -1)]).toEqual(["2016-01-01", "2016-02-29"]);
  });
});
