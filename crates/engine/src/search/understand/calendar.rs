//! Days of the calendar, as far as words about dates need them.

use std::str::FromStr;

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// The year.
    pub year: i32,
    /// From 1 to 12.
    pub month: u8,
    /// From 1.
    pub day: u8,
}

/// Days of a month.
pub(super) fn days_in(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Day {
    /// A day, if there is such.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let is_one =
            (1000..=9999).contains(&year) && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        is_one.then_some(Self { year, month, day })
    }

    /// The first day of a month; months before the first and after the twelfth are those of other years.
    pub(super) fn first_of(year: i32, month: i32) -> Self {
        let months = year * 12 + month - 1;
        Self { year: months.div_euclid(12), month: (months.rem_euclid(12) + 1) as u8, day: 1 }
    }

    /// Days since the first of March of the year 0 (Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013).
    fn number(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let month = (i64::from(self.month) + 9) % 12;
        365 * year + year.div_euclid(4) - year.div_euclid(100)
            + year.div_euclid(400)
            + (153 * month + 2) / 5
            + i64::from(self.day)
            - 1
    }

    /// The day so many days later.
    pub(super) fn plus(self, days: i64) -> Self {
        let number = self.number() + days;
        // No year has less than 365 days and few more: the guess is at most a few years late.
        let mut year = number.div_euclid(365) as i32 + 1;
        while Self::first_of(year, 3).number() > number {
            year -= 1;
        }
        let mut rest = number - Self::first_of(year, 3).number();
        let mut month = 3;
        loop {
            let first = Self::first_of(year, month);
            let days = i64::from(days_in(first.year, first.month));
            if rest < days {
                return Self { day: rest as u8 + 1, ..first };
            }
            rest -= days;
            month += 1;
        }
    }

    /// Days since the last Monday; 0 on a Monday.
    pub(super) fn since_monday(self) -> i64 {
        // The first of March of the year 0 was a Wednesday.
        (self.number() + 2).rem_euclid(7)
    }

    /// The shortest text that stands for its first moment: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub fn text(self) -> String {
        let Self { year, month, day } = self;
        match (month, day) {
            (1, 1) => format!("{year:04}"),
            (_, 1) => format!("{year:04}-{month:02}"),
            _ => format!("{year:04}-{month:02}-{day:02}"),
        }
    }

    /// Easter Sunday of a year (the anonymous Gregorian algorithm, Meeus 1991).
    pub(super) fn easter(year: i32) -> Self {
        let (a, b, c) = (year % 19, year / 100, year % 100);
        let (d, e) = (b / 4, b % 4);
        let g = (8 * b + 13) / 25;
        let h = (19 * a + b - d - g + 15) % 30;
        let (i, k) = (c / 4, c % 4);
        let l = (32 + 2 * e + 2 * i - h - k) % 7;
        let m = (a + 11 * h + 19 * l) / 433;
        let month = (h + l - 7 * m + 90) / 25;
        Self { year, month: month as u8, day: ((h + l - 7 * m + 33 * month + 19) % 32) as u8 }
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, '-').map(str::parse::<u16>);
        let day = match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) => {
                u8::try_from(month).ok().zip(u8::try_from(day).ok()).and_then(|(m, d)| Self::new(year.into(), m, d))
            }
            _ => None,
        };
        day.ok_or_else(|| format!("`{text}` is no day; write 2021-06-30"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_counted_over_months_years_and_leap_days() {
        assert_eq!(day("2026-11-30").plus(1), day("2026-12-01"));
        assert_eq!(day("2024-02-28").plus(1), day("2024-02-29"));
        assert_eq!(day("2023-02-28").plus(1), day("2023-03-01"));
        assert_eq!(day("2026-01-01").plus(-1), day("2025-12-31"));
        assert_eq!(day("2000-03-01").plus(-366), day("1999-03-01"));
        assert_eq!(day("1970-01-01").plus(20_000), day("2024-10-04"));
        for start in ["1999-12-31", "2024-02-29", "2100-03-01", "1900-02-28"] {
            for days in -800..800 {
                assert_eq!(day(start).plus(days).plus(-days), day(start), "{start} {days}");
            }
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        assert_eq!(day("2026-11-30").since_monday(), 0);
        assert_eq!(day("2026-11-29").since_monday(), 6);
        assert_eq!(day("2000-01-01").since_monday(), 5, "a Saturday");
    }

    #[test]
    fn easter_is_where_it_was() {
        for easter in ["2015-04-05", "2016-03-27", "2019-04-21", "2024-03-31", "2026-04-05", "1961-04-02"] {
            assert_eq!(Day::easter(day(easter).year), day(easter));
        }
    }

    #[test]
    fn the_first_moment_is_written_as_short_as_it_can_be() {
        for (of, text) in [("2015-01-01", "2015"), ("2015-06-01", "2015-06"), ("2015-06-03", "2015-06-03")] {
            assert_eq!(day(of).text(), text);
        }
        for wrong in ["2015", "2015-02-30", "soon", "2015-6-31", "-1-2-3"] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }
}
