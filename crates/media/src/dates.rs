//! Dates as metadata write them, brought into one form.
//!
//! The form is `YYYY-MM-DDTHH:MM:SS` by the clock of the place, with a fraction of up to three digits where it is
//! known, and `+HH:MM` after it where the zone is; less of it where less is known, down to the year. Such texts sort
//! by time as far as they go. A date that no calendar has (31 February, month 0) is no date, nor is one from before
//! photography or from the future.

use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use chrono::{DateTime, Datelike, NaiveDate, Utc};

/// The year of the oldest photo that is left.
const EARLIEST_YEAR: u32 = 1826;
/// Furthest zone from UTC, in minutes: UTC+14 is the last that anybody uses.
const FURTHEST_ZONE: u32 = 14 * 60;
/// Length of a date with its time, without fraction and zone.
const SECONDS: usize = "YYYY-MM-DDTHH:MM:SS".len();

/// The last year that a photo may be from: a clock may be ahead, but not by years.
static LATEST_YEAR: LazyLock<u32> = LazyLock::new(|| {
    let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs().cast_signed();
    let year = DateTime::<Utc>::from_timestamp(now, 0).map_or(9998, |now| now.year());
    year.unsigned_abs() + 1
});

/// Hour, minute, second.
pub(crate) type Time = (u32, u32, u32);

/// Takes exactly `count` digits off the front.
fn digits(text: &mut &str, count: usize) -> Option<u32> {
    let number = text.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    *text = &text[count..];
    number.parse().ok()
}

/// Takes one of `any` off the front.
fn one_of(text: &mut &str, any: &[char]) -> Option<char> {
    let first = text.chars().next().filter(|letter| any.contains(letter))?;
    *text = &text[first.len_utf8()..];
    Some(first)
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0')
}

/// A year in which a photo may have been taken.
fn year(text: &mut &str) -> Option<u32> {
    digits(text, 4).filter(|year| (EARLIEST_YEAR..=*LATEST_YEAR).contains(year))
}

/// A day, if there is such a day and a photo may be of it.
pub(crate) fn day(year: u32, month: u32, day: u32) -> Option<String> {
    let plausible = (EARLIEST_YEAR..=*LATEST_YEAR).contains(&year);
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|_| plausible)?;
    Some(date.to_string())
}

/// A day with a time, if there is such a time; a leap second is one.
pub(crate) fn moment(date: &str, (hour, minute, second): Time) -> Option<String> {
    (hour < 24 && minute < 60 && second <= 60).then(|| format!("{date}T{hour:02}:{minute:02}:{second:02}"))
}

/// A zone: `Z`, `+HH:MM`, `+HHMM` or `+HH`; as `+HH:MM`.
fn zone(text: &str) -> Option<String> {
    let mut rest = trimmed(text);
    if rest.eq_ignore_ascii_case("z") {
        return Some("+00:00".into());
    }
    let sign = one_of(&mut rest, &['+', '-'])?;
    let hours = digits(&mut rest, 2)?;
    let minutes = match rest {
        "" => 0,
        _ => {
            one_of(&mut rest, &[':']);
            digits(&mut rest, 2)?
        }
    };
    let real = rest.is_empty() && minutes < 60 && hours * 60 + minutes <= FURTHEST_ZONE;
    real.then(|| format!("{sign}{hours:02}:{minutes:02}"))
}

/// `.mmm` of the digits of a fraction of a second; nothing of zeros.
fn fraction(text: &str) -> String {
    let digits: String = trimmed(text).chars().take_while(char::is_ascii_digit).take(3).collect();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() { String::new() } else { format!(".{digits}") }
}

/// `HH:MM[:SS[.fraction]]` and a zone, if there is one: the time, and both after it as they are written here.
fn time_and_rest(mut rest: &str) -> Option<(Time, String)> {
    let hour = digits(&mut rest, 2)?;
    one_of(&mut rest, &[':'])?;
    let minute = digits(&mut rest, 2)?;
    let (mut second, mut after) = (0, String::new());
    if one_of(&mut rest, &[':']).is_some() {
        second = digits(&mut rest, 2)?;
        // What else follows a point or a comma is another text.
        if let Some(digits) =
            rest.strip_prefix(['.', ',']).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            after = fraction(digits);
            rest = digits.trim_start_matches(|letter: char| letter.is_ascii_digit());
        }
    }
    after += &zone(rest).unwrap_or_default();
    Some(((hour, minute, second), after))
}

/// EXIF's `YYYY:MM:DD HH:MM:SS`, with the fraction and the zone of their own tags. Zeros and blanks stand for an unset
/// clock.
pub(crate) fn exif(text: &str, subseconds: Option<&str>, offset: Option<&str>) -> Option<String> {
    let found = iso(text).filter(|found| found.len() >= SECONDS)?;
    if found.len() > SECONDS {
        return Some(found);
    }
    Some(found + &subseconds.map(fraction).unwrap_or_default() + &offset.and_then(zone).unwrap_or_default())
}

/// XMP's dates (XMP Specification Part 1, 8.2.1.1, after ISO 8601): a year, a month, a day, or a moment. EXIF's colons
/// between year, month and day are taken too, as some programs write them.
pub(crate) fn iso(text: &str) -> Option<String> {
    let mut rest = trimmed(text);
    let year = year(&mut rest)?;
    if rest.is_empty() {
        return Some(format!("{year:04}"));
    }
    one_of(&mut rest, &['-', ':'])?;
    let month = digits(&mut rest, 2).filter(|month| (1..=12).contains(month))?;
    if rest.is_empty() {
        return Some(format!("{year:04}-{month:02}"));
    }
    one_of(&mut rest, &['-', ':'])?;
    let date = day(year, month, digits(&mut rest, 2)?)?;
    if rest.is_empty() {
        return Some(date);
    }
    one_of(&mut rest, &['T', 't', ' '])?;
    let (time, after) = time_and_rest(rest)?;
    Some(moment(&date, time)? + &after)
}

/// Whether a text is a date in the form that these functions give.
pub(crate) fn is_in_form(date: &str) -> bool {
    iso(date).as_deref() == Some(date)
}

/// IPTC's `CCYYMMDD` and `HHMMSS+HHMM` (IIM 4.2, 2:55 and 2:60); month and day may be zero for unknown.
pub(crate) fn iptc(date: &str, time: Option<&str>) -> Option<String> {
    let mut rest = trimmed(date);
    let year = year(&mut rest)?;
    let month = digits(&mut rest, 2)?;
    let number = digits(&mut rest, 2).filter(|_| rest.is_empty())?;
    let date = match (month, number) {
        (0, _) => return Some(format!("{year:04}")),
        (1..=12, 0) => return Some(format!("{year:04}-{month:02}")),
        _ => day(year, month, number)?,
    };
    let with_time = || {
        let mut rest = trimmed(time?);
        let time = (digits(&mut rest, 2)?, digits(&mut rest, 2)?, digits(&mut rest, 2)?);
        Some(moment(&date, time)? + &zone(rest).unwrap_or_default())
    };
    Some(with_time().unwrap_or(date))
}

/// Whether two dates of this form are the same moment by the clock of the place: one may have a fraction or a zone that
/// the other lacks.
pub fn is_same_moment(one: &str, other: &str) -> bool {
    let to_the_second = |date: &str| date.get(..SECONDS).unwrap_or(date).to_owned();
    to_the_second(one) == to_the_second(other)
}

/// `date`, with the zone of `other` where it has none itself and `other` is the same time.
pub(crate) fn with_zone_of(date: String, other: Option<&str>) -> String {
    let zone_of = |date: &str| date.get(SECONDS..)?.find(['+', '-']).map(|at| date[SECONDS + at..].to_owned());
    let same = |other: &&str| date.len() >= SECONDS && is_same_moment(other, &date);
    match (zone_of(&date), other.filter(same).and_then(zone_of)) {
        (None, Some(zone)) => date + &zone,
        _ => date,
    }
}

/// The moment `milliseconds` after the beginning of 1970 in UTC.
pub(crate) fn utc(milliseconds: i64) -> Option<String> {
    iso(&DateTime::<Utc>::from_timestamp_millis(milliseconds)?.format("%Y-%m-%dT%H:%M:%S+00:00").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exif_dates_become_iso_dates_with_the_zone_of_their_own_tag() {
        let date = "2021:06:30 12:05:01";
        assert_eq!(exif(date, None, None).unwrap(), "2021-06-30T12:05:01");
        for (offset, wanted) in [
            ("+02:00", "+02:00"),
            ("-03:30", "-03:30"),
            ("+0200", "+02:00"),
            ("Z", "+00:00"),
            ("+05", "+05:00"),
            (" +14:00\0", "+14:00"),
        ] {
            assert_eq!(exif(date, None, Some(offset)).unwrap(), format!("2021-06-30T12:05:01{wanted}"), "{offset}");
        }
        for nonsense in ["+ab:cd", "02:00", "+15:00", "+02:60", "+02:00:00", "", "   :  ", "\u{20ac}1:00"] {
            assert_eq!(exif(date, None, Some(nonsense)).unwrap(), "2021-06-30T12:05:01", "{nonsense}");
        }
        assert_eq!(exif("2021:06:30 12:05:01.25+01:00", None, Some("+09:00")).unwrap(), "2021-06-30T12:05:01.25+01:00");
        assert_eq!(exif("2021-06-30T12:05", None, None).unwrap(), "2021-06-30T12:05:00");
    }

    #[test]
    fn what_no_calendar_has_is_no_date() {
        for nothing in [
            "0000:00:00 00:00:00",
            "    :  :     :  :  ",
            "",
            "\0\0\0\0",
            "2021:02:31 10:00:00",
            "2023:02:29 10:00:00",
            "1900:02:29 10:00:00",
            "2021:13:01 10:00:00",
            "2021:00:10 10:00:00",
            "2021:06:30 24:00:00",
            "2021:06:30 10:60:00",
            "2021:06:30",
            "2021:06:301 10:00:00",
            "21:06:30 10:00:00",
            "not a date at all!!",
        ] {
            assert_eq!(exif(nothing, None, None), None, "{nothing:?}");
        }
        assert!(exif("2024:02:29 10:00:00", None, None).is_some());
        assert!(exif("2000:02:29 10:00:00", None, None).is_some());
        assert!(exif("2016:12:31 23:59:60", None, None).is_some(), "a leap second that was one");
    }

    #[test]
    fn xmp_and_iptc_dates_may_be_known_in_part() {
        assert_eq!(iso("1932").unwrap(), "1932");
        assert_eq!(iso("1932-08").unwrap(), "1932-08");
        assert_eq!(iso("2021-06-30").unwrap(), "2021-06-30");
        assert_eq!(iso("2021-06-30T12:05:01.123-07:00").unwrap(), "2021-06-30T12:05:01.123-07:00");
        assert_eq!(iso("2021-06-30T12:05Z").unwrap(), "2021-06-30T12:05:00+00:00");
        assert_eq!(iso("2021-06-30T12:05:01, 2021-07-01").unwrap(), "2021-06-30T12:05:01");
        assert_eq!(iso("2021-06-31"), None);
        assert_eq!(iso("30.06.2021"), None);
        assert_eq!(iptc("20210630", Some("120501+0200")).unwrap(), "2021-06-30T12:05:01+02:00");
        assert_eq!(iptc("20210630", None).unwrap(), "2021-06-30");
        assert_eq!(iptc("20210630", Some("noon")).unwrap(), "2021-06-30");
        assert_eq!(iptc("19320800", None).unwrap(), "1932-08");
        assert_eq!(iptc("19320000", None).unwrap(), "1932");
        assert_eq!(iptc("00000000", None), None);
        assert_eq!(iptc("20210231", None), None);
        assert_eq!(iptc("2021-06-30", None), None);
    }

    #[test]
    fn fractions_of_a_second_are_kept_to_the_millisecond() {
        let date = "2021:06:30 12:05:01";
        for (subseconds, wanted) in [
            ("25", ".25"),
            ("007", ".007"),
            ("123456", ".123"),
            ("500 ", ".5"),
            ("00", ""),
            ("", ""),
            ("x", ""),
            ("-1", ""),
        ] {
            assert_eq!(exif(date, Some(subseconds), Some("Z")).unwrap(), format!("2021-06-30T12:05:01{wanted}+00:00"));
        }
        assert!(exif(date, Some("5"), None) > exif(date, None, Some("+02:00")), "sorted as text they come in order");
    }

    #[test]
    fn photos_are_neither_older_than_photography_nor_from_the_future() {
        let next = *LATEST_YEAR;
        assert!(next >= 2026);
        for (year, plausible) in [(1825, false), (1826, true), (next, true), (next + 1, false), (9999, false)] {
            assert_eq!(exif(&format!("{year}:06:30 12:05:01"), None, None).is_some(), plausible, "{year}");
            assert_eq!(iso(&format!("{year}")).is_some(), plausible, "{year}");
            assert_eq!(iptc(&format!("{year}0000"), None).is_some(), plausible, "{year}");
            assert_eq!(day(year, 6, 30).is_some(), plausible, "{year}");
        }
    }

    #[test]
    fn the_zone_is_told_by_another_date_of_the_same_time() {
        let date = || "2021-06-30T12:05:01".to_owned();
        assert_eq!(with_zone_of(date(), Some("2021-06-30T12:05:01.5+02:00")), "2021-06-30T12:05:01+02:00");
        assert_eq!(with_zone_of(date() + ".5", Some("2021-06-30T12:05:01-02:00")), "2021-06-30T12:05:01.5-02:00");
        assert_eq!(with_zone_of(date(), Some("2021-06-30T12:05:02+02:00")), date());
        assert_eq!(with_zone_of(date(), Some("2021-06-30T12:05:01")), date());
        assert_eq!(with_zone_of("2021-06-30".into(), Some("2021-06-30T12:05:01+02:00")), "2021-06-30");
        let known = date() + "+01:00";
        assert_eq!(with_zone_of(known.clone(), Some("2021-06-30T12:05:01+02:00")), known);
    }

    #[test]
    fn milliseconds_since_1970_become_a_date() {
        for (milliseconds, date) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_400_000, "2000-02-29T00:00:00"),
            (1_625_054_701_999, "2021-06-30T12:05:01"),
            (-1, "1969-12-31T23:59:59"),
        ] {
            assert_eq!(utc(milliseconds).unwrap(), format!("{date}+00:00"));
        }
        assert_eq!(utc(i64::MAX), None);
        assert_eq!(utc(i64::MIN), None);
    }
}
