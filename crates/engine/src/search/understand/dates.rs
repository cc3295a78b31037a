//! Dates in words and numbers, in English, German and Chinese: which time a few words stand for.
//!
//! Only what is certainly a date is one: "may" and "march" are months beside a year or after "in", a season or a feast
//! needs a year or "last" beside it, and 03/04/2015, which is one day here and another there, is none.

use super::calendar::{Day, days_in};
use super::date_words::{LAST, Part, Sureness, THIS, Unit, WEEKEND, month, number, part, unit, unit_ago};
use super::tokens::Token;

/// When photos were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// From the first moment of a day on, before that of another.
    Between {
        /// The first day.
        from: Option<Day>,
        /// The first day after it.
        before: Option<Day>,
    },
    /// In a month, or on a day of it, of whatever year.
    EachYear {
        /// From 1 to 12.
        month: u8,
        /// The day of the month.
        day: Option<u8>,
    },
}

/// From a day on, before another.
type Span = (Day, Day);

/// The time that the tokens at `at` stand for, and how many they are.
pub(super) fn read(tokens: &[Token<'_>], at: usize, today: Day) -> Option<(usize, When)> {
    let words = Words { tokens, today };
    let between =
        |(length, (from, before)): (usize, Span)| (length, When::Between { from: Some(from), before: Some(before) });
    let found = words.range(at).map(between);
    let found = found.or_else(|| words.bounded(at)).or_else(|| words.time(at).map(between));
    found.or_else(|| words.each_year(at))
}

struct Words<'a> {
    tokens: &'a [Token<'a>],
    today: Day,
}

fn years(first: i32, last: i32) -> Span {
    (Day::first_of(first, 1), Day::first_of(last + 1, 1))
}

fn of_month(year: i32, month: u8) -> Span {
    (Day::first_of(year, month.into()), Day::first_of(year, i32::from(month) + 1))
}

fn of_day(day: Day) -> Span {
    (day, day.plus(1))
}

fn of_part(part: Part, year: i32) -> Span {
    let on = |month, day| Day { year, month, day };
    match part {
        Part::Season(month) => (Day::first_of(year, month.into()), Day::first_of(year, i32::from(month) + 3)),
        Part::Christmas => (on(12, 24), on(12, 27)),
        Part::Easter => (Day::easter(year).plus(-2), Day::easter(year).plus(2)),
        Part::Halloween => of_day(on(10, 31)),
        Part::NewYear => (on(12, 31), Day::first_of(year + 1, 1).plus(1)),
    }
}

impl Words<'_> {
    fn key(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.key)
    }

    fn is(&self, at: usize, words: &[&str]) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_any(words))
    }

    /// A year in digits, none of the future.
    fn year(&self, at: usize) -> Option<i32> {
        let word = self.tokens.get(at)?.word;
        self.year_of(word)
    }

    fn year_of(&self, word: &str) -> Option<i32> {
        let digits = word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
        let year = digits.then(|| word.parse().ok()).flatten()?;
        (1826..=self.today.year).contains(&year).then_some(year)
    }

    /// A year with what belongs to it: `2015`, `2015年`.
    fn full_year(&self, at: usize) -> Option<(usize, i32)> {
        let year = self.year(at)?;
        Some((if self.is(at + 1, &["年", "那年"]) { 2 } else { 1 }, year))
    }

    /// `2012-2014`, `2012 to 2014`, `between 2012 and 2014`, `June to August 2015`.
    fn range(&self, at: usize) -> Option<(usize, Span)> {
        let word = self.tokens.get(at)?.word;
        let dash = |c: char| matches!(c, '-' | '\u{2013}' | '\u{2014}' | '~');
        if let Some((first, last)) = word.split_once(dash)
            && let (Some(first), Some(last)) = (self.year_of(first), self.year_of(last))
        {
            return (first < last).then(|| (1, years(first, last)));
        }
        let mut next = at;
        let opened = self.is(at, &["from", "between", "von", "zwischen", "从"]);
        next += usize::from(opened);
        let first_year = self.full_year(next);
        let first_month = month(self.key(next)).map(|(month, _)| month);
        next += first_year.map_or(1, |(length, _)| length);
        let joined = self.is(next, &["to", "until", "till", "through", "bis", "到", "至"])
            || self.tokens.get(next).is_some_and(|token| !token.word.is_empty() && token.word.chars().all(dash))
            || opened && self.is(next, &["and", "und", "和"]);
        if !joined {
            return None;
        }
        next += 1;
        if let (Some((_, first)), Some((length, last))) = (first_year, self.full_year(next)) {
            return (first < last).then(|| (next + length - at, years(first, last)));
        }
        let (last_month, _) = month(self.key(next))?;
        let (length, year) = self.full_year(next + 1)?;
        let (first, last) = (of_month(year, first_month?), of_month(year, last_month));
        (first.0 < last.0).then(|| (next + 1 + length - at, (first.0, last.1)))
    }

    /// `since 2015`, `before June 2015`, `2015年以前`.
    fn bounded(&self, at: usize) -> Option<(usize, When)> {
        let before_it = |(length, (from, before)): (usize, Span)| -> Option<(usize, When)> {
            let (from, before) = match self.key(at) {
                "since" | "seit" => (Some(from), None),
                "after" | "nach" => (Some(before), None),
                "before" | "vor" => (None, Some(from)),
                "until" | "till" | "bis" => (None, Some(before)),
                _ => return None,
            };
            Some((length + 1, When::Between { from, before }))
        };
        if let Some(found) = self.time(at + 1).and_then(before_it) {
            return Some(found);
        }
        let (mut length, (from, before)) = self.time(at)?;
        let mut after = self.key(at + length);
        if after == "年前" && length == 1 {
            // "2015" and "年前", which is "3年前" as well.
            after = "以前";
        }
        let (from, before) = match after {
            "以前" | "之前" => (None, Some(from)),
            "以后" | "之后" => (Some(before), None),
            "以来" => (Some(from), None),
            _ => return None,
        };
        length += 1;
        Some((length, When::Between { from, before }))
    }

    /// A time with a beginning and an end.
    fn time(&self, at: usize) -> Option<(usize, Span)> {
        self.numeric(at)
            .or_else(|| self.relative(at))
            .or_else(|| self.ago(at))
            .or_else(|| self.month_of_year(at))
            .or_else(|| self.part_of_year(at))
            .or_else(|| self.decade(at))
            .or_else(|| self.full_year(at).map(|(length, year)| (length, years(year, year))))
    }

    /// `2015-06-03`, `2015-06`, `3.6.2015`, `6/2015`, `2015年6月3日`.
    fn numeric(&self, at: usize) -> Option<(usize, Span)> {
        let word = self.tokens.get(at)?.word;
        if self.year(at).is_some() && self.is(at + 1, &["年"]) {
            let year = self.year(at)?;
            let (length, month) = self.chinese_month(at + 2)?;
            let day = number(self.key(at + 2 + length)).filter(|_| self.is(at + 3 + length, &["日", "号"]));
            return match day {
                Some(day) => Some((4 + length, of_day(Day::new(year, month, u8::try_from(day).ok()?)?))),
                None => Some((2 + length, of_month(year, month))),
            };
        }
        let mark = word.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
        let parts: Vec<&str> = word.split(mark).collect();
        let small = |part: &str| part.parse::<u8>().ok().filter(|_| part.len() <= 2);
        match parts.as_slice() {
            [year, month] if self.year_of(year).is_some() => {
                let month = small(month).filter(|month| (1..=12).contains(month))?;
                Some((1, of_month(self.year_of(year)?, month)))
            }
            [month, year] => {
                let month = small(month).filter(|month| (1..=12).contains(month))?;
                Some((1, of_month(self.year_of(year)?, month)))
            }
            [year, month, day] if self.year_of(year).is_some() => {
                Some((1, of_day(Day::new(self.year_of(year)?, small(month)?, small(day)?)?)))
            }
            [one, two, year] => {
                let (year, one, two) = (self.year_of(year)?, small(one)?, small(two)?);
                let (day_first, month_first) = (Day::new(year, two, one), Day::new(year, one, two));
                match (day_first, month_first, mark) {
                    // With points the day comes first everywhere.
                    (Some(day), _, '.') => Some((1, of_day(day))),
                    (Some(day), None, _) | (None, Some(day), _) => Some((1, of_day(day))),
                    (Some(day), Some(other), _) if day == other => Some((1, of_day(day))),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// `6月` or `六月`.
    fn chinese_month(&self, at: usize) -> Option<(usize, u8)> {
        if let Some((month, Sureness::Alone)) = month(self.key(at)).filter(|_| self.key(at).ends_with('月')) {
            return Some((1, month));
        }
        let month = number(self.key(at)).filter(|month| (1..=12).contains(month))?;
        self.is(at + 1, &["月"]).then_some((2, month as u8))
    }

    /// `yesterday`, `last summer`, `this month`, `去年`, `去年夏天`.
    fn relative(&self, at: usize) -> Option<(usize, Span)> {
        let today = self.today;
        let day = |days| Some((1, of_day(today.plus(days))));
        let year = match self.key(at) {
            "today" | "heute" | "今天" => return day(0),
            "yesterday" | "gestern" | "昨天" => return day(-1),
            "vorgestern" | "前天" => return day(-2),
            "上个月" | "上月" => return Some((1, self.unit_back(Unit::Month, 1))),
            "这个月" | "本月" => return Some((1, self.unit_back(Unit::Month, 0))),
            "上周" => return Some((1, self.unit_back(Unit::Week, 1))),
            "本周" | "这周" => return Some((1, self.unit_back(Unit::Week, 0))),
            "上周末" | "上个周末" => return Some((1, self.weekend(true))),
            "这周末" => return Some((1, self.weekend(false))),
            "今年" => Some(today.year),
            "去年" => Some(today.year - 1),
            "前年" => Some(today.year - 2),
            _ => None,
        };
        if let Some(year) = year {
            if let Some((length, month)) = self.chinese_month(at + 1) {
                return Some((1 + length, of_month(year, month)));
            }
            return Some(match part(self.key(at + 1)) {
                Some(part) => (2, of_part(part, year)),
                None => (1, years(year, year)),
            });
        }
        let last = self.is(at, LAST);
        if !last && !self.is(at, THIS) {
            return None;
        }
        let next = self.key(at + 1);
        if let Some(unit) = unit(next) {
            return Some((2, self.unit_back(unit, i32::from(last))));
        }
        if self.is(at + 1, WEEKEND) {
            return Some((2, self.weekend(last)));
        }
        // "last 3 months": up to today.
        if let (true, Some(count), Some(unit)) = (last, number(next), unit(self.key(at + 2))) {
            let from = match unit {
                Unit::Day => today.plus(-i64::from(count)),
                Unit::Week => today.plus(-7 * i64::from(count)),
                Unit::Month => self.months_before(count),
                Unit::Year => self.months_before(12 * count),
            };
            return Some((3, (from, today.plus(1))));
        }
        let named: Box<dyn Fn(i32) -> Span> = match (part(next), month(next)) {
            (Some(part), _) => Box::new(move |year| of_part(part, year)),
            (None, Some((month, _))) => Box::new(move |year| of_month(year, month)),
            (None, None) => return None,
        };
        // The last one is over; this one is this year's.
        let year = if !last || named(today.year).1 <= today { today.year } else { today.year - 1 };
        let span = named(year);
        Some((2, if last && span.1 > today { named(year - 1) } else { span }))
    }

    /// The day, as far as it is there, so many months before today.
    fn months_before(&self, months: i32) -> Day {
        let first = Day::first_of(self.today.year, i32::from(self.today.month) - months);
        Day { day: self.today.day.min(days_in(first.year, first.month)), ..first }
    }

    /// The day, week, month or year so many before today's.
    fn unit_back(&self, unit: Unit, count: i32) -> Span {
        let today = self.today;
        match unit {
            Unit::Day => of_day(today.plus(-i64::from(count))),
            Unit::Week => {
                let monday = today.plus(-today.since_monday() - 7 * i64::from(count));
                (monday, monday.plus(7))
            }
            Unit::Month => {
                let month = i32::from(today.month) - count;
                (Day::first_of(today.year, month), Day::first_of(today.year, month + 1))
            }
            Unit::Year => years(today.year - count, today.year - count),
        }
    }

    /// Saturday and Sunday: of this week, or the last that are over.
    fn weekend(&self, last: bool) -> Span {
        let monday = self.today.plus(-self.today.since_monday() - if last { 7 } else { 0 });
        (monday.plus(5), monday.plus(7))
    }

    /// `2 years ago`, `vor zwei Jahren`, `两年前`.
    fn ago(&self, at: usize) -> Option<(usize, Span)> {
        let german = self.is(at, &["vor"]);
        let at = at + usize::from(german);
        let count = number(self.key(at))?;
        if let Some(unit) = unit_ago(self.key(at + 1)).filter(|_| !german) {
            return Some((2, self.unit_back(unit, count)));
        }
        let unit = unit(self.key(at + 1))?;
        (german || self.is(at + 2, &["ago"])).then(|| (3, self.unit_back(unit, count)))
    }

    /// `June 2015`, `June 3, 2015`, `3 June 2015`, `3rd of June 2015`.
    fn month_of_year(&self, at: usize) -> Option<(usize, Span)> {
        let year_at = |at: usize| {
            let of = usize::from(self.is(at, &["of"]));
            self.full_year(at + of).map(|(length, year)| (of + length, year))
        };
        if let Some((month, _)) = month(self.key(at)) {
            if let Some((length, year)) = year_at(at + 1) {
                return Some((1 + length, of_month(year, month)));
            }
            let day = self.day_number(at + 1)?;
            let (length, year) = year_at(at + 2)?;
            return Some((2 + length, of_day(Day::new(year, month, day)?)));
        }
        let day = self.day_number(at)?;
        let next = at + 1 + usize::from(self.is(at + 1, &["of"]));
        let (month, _) = month(self.key(next))?;
        let (length, year) = year_at(next + 1)?;
        Some((next + 1 + length - at, of_day(Day::new(year, month, day)?)))
    }

    /// `3`, `3rd`, `3.`.
    fn day_number(&self, at: usize) -> Option<u8> {
        let word = self.tokens.get(at)?.key.as_str();
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let ending = &word[digits.len()..];
        let day = digits.parse().ok().filter(|day| (1..=31).contains(day))?;
        (digits.len() <= 2 && ["", "st", "nd", "rd", "th"].contains(&ending)).then_some(day)
    }

    /// `summer 2015`, `Christmas of 2015`, `2015年夏天`.
    fn part_of_year(&self, at: usize) -> Option<(usize, Span)> {
        if let Some((length, year)) = self.full_year(at).filter(|(length, _)| *length == 2) {
            let gap = usize::from(self.is(at + length, &["的"]));
            return part(self.key(at + length + gap)).map(|part| (length + gap + 1, of_part(part, year)));
        }
        let eve = self.is(at, &["new"]) && self.is(at + 1, &["year s", "years", "year"]);
        let (mut next, part) = match part(self.key(at)) {
            Some(part) => (at + 1, part),
            None if eve && self.is(at + 2, &["eve"]) => (at + 3, Part::NewYear),
            None => return None,
        };
        next += usize::from(self.is(next, &["of", "in"]));
        let (length, year) = self.full_year(next)?;
        Some((next + length - at, of_part(part, year)))
    }

    /// `1990s`, `1990er`, `1990年代`.
    fn decade(&self, at: usize) -> Option<(usize, Span)> {
        let word = self.tokens.get(at)?.key.as_str();
        let chinese = self.is(at + 1, &["年代"]) && self.year(at).is_some();
        let digits = if chinese { word } else { word.strip_suffix('s').or_else(|| word.strip_suffix("er"))? };
        let year = self.year_of(digits).filter(|year| year % 10 == 0)?;
        Some((1 + usize::from(chinese), years(year, year + 9)))
    }

    /// `June`, `in May`, `June 3`, `3. Juni`, `6月`.
    fn each_year(&self, at: usize) -> Option<(usize, When)> {
        if let Some((length, month)) = self.chinese_month(at) {
            let day = number(self.key(at + length)).filter(|_| self.is(at + length + 1, &["日", "号"]));
            let day = day.and_then(|day| u8::try_from(day).ok());
            let more = if day.is_some() { 2 } else { 0 };
            return Some((length + more, When::EachYear { month, day }));
        }
        if let Some((month, sureness)) = month(self.key(at)) {
            // "June 5 stars" are the stars of June.
            let counts = self.is(at + 2, &["star", "stars", "stern", "sterne"]);
            let day = self.day_number(at + 1).filter(|day| *day <= days_in(2000, month) && !counts);
            // "in may", and none that follows a letter's worth of doubt such as "may flowers".
            let is_sure = sureness == Sureness::Alone || at > 0 && self.is(at - 1, &["in"]);
            return match day {
                Some(day) if is_sure => Some((2, When::EachYear { month, day: Some(day) })),
                _ => is_sure.then_some((1, When::EachYear { month, day: None })),
            };
        }
        let day = self.day_number(at)?;
        let next = at + 1 + usize::from(self.is(at + 1, &["of"]));
        let (month, _) = month(self.key(next)).filter(|(_, sureness)| *sureness == Sureness::Alone)?;
        let day = (day <= days_in(2000, month)).then_some(day)?;
        Some((next + 1 - at, When::EachYear { month, day: Some(day) }))
    }
}
