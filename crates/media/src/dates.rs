//! Dates as metadata write them, brought into one form.
//!
//! The form is `YYYY-MM-DDTHH:MM:SS` by the clock of the place, with a fraction of up to three digits where it is
//! known, and `+HH:MM` after it where the zone is; less of it where less is known, down to the year. Such texts sort
//! by time as far as they go. A date that no calendar has (31 February, month 0) is no date, nor is one from before
//! photography or from the future.

use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};

/// The year of the oldest photo that is left.
const EARLIEST_YEAR: u32 = 1826;
/// Furthest zone from UTC, in minutes: UTC+14 is the last that anybody uses.
const FURTHEST_ZONE: u32 = 14 * 60;
/// Length of a date without its time.
const DAY: usize = "YYYY-MM-DD".len();
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

/// A day with a time, if there is such a time; a leap second is one. Hour 24 is what some cameras write for the first of
/// the day.
pub(crate) fn moment(date: &str, (hour, minute, second): Time) -> Option<String> {
    let is_time = hour <= 24 && minute < 60 && second <= 60;
    is_time.then(|| format!("{date}T{:02}:{minute:02}:{second:02}", hour % 24))
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
/// clock. Cameras also write slashes, points, and blanks in place of leading zeros.
pub(crate) fn exif(text: &str, subseconds: Option<&str>, offset: Option<&str>) -> Option<String> {
    let found = iso(text).or_else(|| iso(&in_order(text)?)).filter(|found| found.len() >= SECONDS)?;
    if found.len() > SECONDS {
        return Some(found);
    }
    Some(found + &subseconds.map(fraction).unwrap_or_default() + &offset.and_then(zone).unwrap_or_default())
}

/// A date that is not written as any standard has it, as EXIF's: six numbers, the first of four digits and the others of
/// at most two, between signs of any kind. What follows them stays.
fn in_order(text: &str) -> Option<String> {
    let mut rest = trimmed(text);
    let mut ordered = digits(&mut rest, 4).map(|year| format!("{year:04}"))?;
    for (before, signs) in [(":", ":/.- "), (":", ":/.- "), (" ", " Tt"), (":", ":.- "), (":", ":.- ")] {
        let sign = rest.chars().next().filter(|sign| signs.contains(*sign))?;
        rest = rest[sign.len_utf8()..].trim_start_matches(' ');
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = digits(&mut rest, count.min(2)).filter(|_| (1..=2).contains(&count))?;
        ordered += &format!("{before}{number:02}");
    }
    Some(ordered + rest)
}

/// GPS's day and time, which are UTC (CIPA DC-008, 4.6.6): hours, minutes and seconds.
pub(crate) fn gps(date: &str, [hours, minutes, seconds]: [f64; 3]) -> Option<String> {
    let date = iso(&date.replace(['/', '.'], ":")).filter(|date| date.len() == DAY)?;
    let all = hours * 3600.0 + minutes * 60.0 + seconds;
    let whole = (0.0..86_400.0).contains(&all).then_some(all as u32)?;
    Some(moment(&date, (whole / 3600, whole / 60 % 60, whole % 60))? + "+00:00")
}

/// A date as texts of a PNG have it (PNG Specification, 11.3.3.2: RFC 1123), or as EXIF or XMP have theirs.
pub(crate) fn of_text(text: &str) -> Option<String> {
    let mail = || DateTime::parse_from_rfc2822(trimmed(text)).ok().map(|date| date.format("%FT%T%:z").to_string());
    exif(text, None, None).or_else(|| iso(text)).or_else(|| iso(&mail()?))
}

/// Whether `whole` and `other` can be the same moment, as the one is written: one of them may be known in part or lack the
/// zone, and where `other` is UTC it may be the same by another clock.
pub(crate) fn agrees(whole: &str, other: &str) -> bool {
    let (date, zone) = other.split_at(other.len().min(SECONDS));
    let utc = zone.ends_with("+00:00");
    let seconds = |date: &str| NaiveDateTime::parse_from_str(date.get(..SECONDS)?, "%FT%T").ok();
    let apart = || Some((seconds(whole)? - seconds(other)?).num_seconds().unsigned_abs());
    whole.starts_with(date)
        || other.starts_with(whole.get(..SECONDS).unwrap_or(whole))
        || utc && apart().is_some_and(|apart| apart % 900 == 0 && apart <= u64::from(FURTHEST_ZONE) * 60)
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
            "2021:06:30 25:00:00",
            "2021:06:30 10:60:00",
            "2021/02/31 10:00:00",
            "2021:6:30 10:0",
            "2021x6x30 10:00:00",
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
    fn dates_as_cameras_wrote_them_all_the_same() {
        for (text, wanted) in [
            ("2015:08:22 24:08:19", "2015-08-22T00:08:19"),
            ("2007/06/30 18:45:17", "2007-06-30T18:45:17"),
            ("2007.06.30 18.45.17", "2007-06-30T18:45:17"),
            ("2006: 1: 5  9:07:02", "2006-01-05T09:07:02"),
            ("2006:1:5 9:7:2", "2006-01-05T09:07:02"),
            ("2006 01 05 09:07:02", "2006-01-05T09:07:02"),
            ("2006:01:05 09:07: 2+02:00", "2006-01-05T09:07:02+02:00"),
        ] {
            assert_eq!(exif(text, None, None).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(of_text("Tue, 16 Jan 2024 21:15:09 +0100").as_deref(), Some("2024-01-16T21:15:09+01:00"));
        assert_eq!(of_text("2024:01:16 21:15:09").as_deref(), Some("2024-01-16T21:15:09"));
        assert_eq!(of_text("2024-01-16").as_deref(), Some("2024-01-16"));
        assert_eq!(of_text("yesterday"), None);
        assert_eq!(gps("2020:02:13", [10.0, 36.0, 13.9]).as_deref(), Some("2020-02-13T10:36:13+00:00"));
        assert_eq!(gps("2020/02/13", [10.5, 0.0, 0.0]).as_deref(), Some("2020-02-13T10:30:00+00:00"));
        for (date, time) in [("2020:02:13", [24.0, 0.0, 0.0]), ("2020:02:31", [1.0; 3]), ("2020", [1.0; 3])] {
            assert_eq!(gps(date, time), None, "{date}");
        }
    }

    #[test]
    fn a_date_known_in_part_or_by_another_clock_is_no_other_date() {
        let whole = "2021-06-30T12:05:01+02:00";
        for other in ["2021", "2021-06-30", "2021-06-30T12:05:01", "2021-06-30T10:05:01+00:00"] {
            assert!(agrees(whole, other), "{other}");
        }
        for other in ["2022", "1978-08-12T15:30:00", "2021-06-30T12:05:02", "2021-06-30T10:05:01"] {
            assert!(!agrees(whole, other), "{other}");
        }
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
