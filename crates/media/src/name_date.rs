//! A guess at when a photo was taken, from its file's name.
//!
//! Phones, chat programs and screenshots write the moment into the name. It is a guess: programs also write the moment
//! of sending or saving there.

use std::path::Path;

use crate::dates::{self, Time};

/// Years that a name may speak of; what else looks like one is a number.
const YEARS: std::ops::RangeInclusive<u32> = 1990..=2059;
/// Milliseconds since 1970 that a name may speak of: 2000 to 2038.
const MILLISECONDS: std::ops::Range<i64> = 946_684_800_000..2_145_916_800_000;
/// What stands before milliseconds since 1970: Facebook's and WeChat's names.
const BEFORE_MILLISECONDS: [&str; 4] = ["", "FB_IMG_", "mmexport", "wx_camera_"];

/// The date that the name of `path` seems to give, in the form of [`dates`], a day where it has no time.
///
/// Known are `20210630_120501` (`IMG_`, `PXL_`, `VID_`, `Screenshot_`...), `20210630120501`, `2021-06-30 12.05.01`
/// with any separators (`signal-`, `Screenshot`, `WhatsApp Image ... at`), `IMG-20210630-WA0001`, and a name of
/// nothing but milliseconds since 1970. The day never comes before the month, which cannot be told apart.
pub(crate) fn guess(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    let bytes = stem.as_bytes();
    let starts = (0..bytes.len()).filter(|&at| is_digit(bytes, at) && (at == 0 || !is_digit(bytes, at - 1)));
    starts.map(|at| &bytes[at..]).find_map(date_at).or_else(|| milliseconds(stem))
}

fn is_digit(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(u8::is_ascii_digit)
}

/// The number that the first `count` bytes are.
fn number(bytes: &[u8], count: usize) -> Option<u32> {
    let digits = bytes.get(..count).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn date_at(bytes: &[u8]) -> Option<String> {
    let year = number(bytes, 4).filter(|year| YEARS.contains(year))?;
    let between = bytes.get(4).copied().filter(|byte| b"-_. ".contains(byte));
    let (month_at, day_at) = if between.is_some() { (5, 8) } else { (4, 6) };
    if between.is_some_and(|between| bytes.get(7) != Some(&between)) {
        return None;
    }
    let date = dates::day(year, number(&bytes[month_at..], 2)?, number(bytes.get(day_at..)?, 2)?)?;
    let rest = &bytes[day_at + 2..];
    let time = if is_digit(rest, 0) {
        // More digits are a time, or the whole is another number.
        if between.is_some() {
            return None;
        }
        Some(compact_time(rest)?)
    } else {
        time_after(rest)
    };
    Some(time.and_then(|time| dates::moment(&date, time)).unwrap_or(date))
}

/// `HHMMSS`, perhaps with milliseconds.
fn compact_time(bytes: &[u8]) -> Option<Time> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let time = (number(bytes, 2)?, number(&bytes[2..], 2)?, number(bytes.get(4..)?, 2)?);
    (matches!(digits, 6 | 9) && time.0 < 24 && time.1 < 60 && time.2 < 60).then_some(time)
}

/// The time after a separator: `_120501`, `-12-05-01`, ` 12.05.01`, ` at 1.05.01 PM`.
fn time_after(bytes: &[u8]) -> Option<Time> {
    let rest = [b" at ".as_slice(), b"_at_", b"-at-"].iter().find_map(|at| bytes.strip_prefix(*at));
    let rest =
        rest.or_else(|| bytes.split_first().filter(|(first, _)| b"-_ T.".contains(first)).map(|(_, rest)| rest))?;
    if let Some(time) = compact_time(rest) {
        return Some(time);
    }
    let hour_digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let between = *rest.get(hour_digits).filter(|byte| (1..=2).contains(&hour_digits) && b"-_.: ".contains(byte))?;
    let (hour, minutes) = (number(rest, hour_digits)?, rest.get(hour_digits + 1..)?);
    let (minute, second) = (number(minutes, 2)?, number(minutes.get(3..)?, 2)?);
    let after = &minutes[5..];
    if minutes[2] != between || is_digit(after, 0) {
        return None;
    }
    let half = std::str::from_utf8(after).unwrap_or_default().trim_start_matches([' ', '\u{202f}']);
    let half = half.get(..2).map(str::to_ascii_lowercase);
    match (half.as_deref(), hour) {
        (Some("am"), 12) => Some((0, minute, second)),
        (Some("pm"), 1..=11) => Some((hour + 12, minute, second)),
        _ => Some((hour, minute, second)),
    }
}

fn milliseconds(stem: &str) -> Option<String> {
    let digits = BEFORE_MILLISECONDS.iter().filter_map(|before| stem.strip_prefix(before));
    let mut digits = digits.filter(|rest| rest.len() == 13 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    let milliseconds: i64 = digits.next()?.parse().ok()?;
    MILLISECONDS.contains(&milliseconds).then(|| dates::utc(milliseconds)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_phones_chats_and_screenshots_tell_the_date() {
        for (name, wanted) in [
            ("IMG_20210630_120501.jpg", "2021-06-30T12:05:01"),
            ("PXL_20210630_120501123.jpg", "2021-06-30T12:05:01"),
            ("PXL_20210630_120501123.MP.jpg", "2021-06-30T12:05:01"),
            ("VID_20210630_120501.mp4", "2021-06-30T12:05:01"),
            ("20210630_120501(0).jpg", "2021-06-30T12:05:01"),
            ("20210630120501.jpg", "2021-06-30T12:05:01"),
            ("DJI_20210630120501_0001_V.JPG", "2021-06-30T12:05:01"),
            ("2021-06-30 12.05.01.jpg", "2021-06-30T12:05:01"),
            ("2021-06-30 12.05.01-1.jpg", "2021-06-30T12:05:01"),
            ("Screenshot_2021-06-30-12-05-01.png", "2021-06-30T12:05:01"),
            ("Screenshot_2021-06-30-12-05-01-123_com.app.png", "2021-06-30T12:05:01"),
            ("Screenshot_20210630-120501_Chrome.png", "2021-06-30T12:05:01"),
            ("Screenshot 2021-06-30 at 1.05.01\u{202f}PM.png", "2021-06-30T13:05:01"),
            ("Screenshot 2021-06-30 at 12.05.01 AM.png", "2021-06-30T00:05:01"),
            ("WhatsApp Image 2021-06-30 at 12.05.01 (1).jpeg", "2021-06-30T12:05:01"),
            ("IMG-20210630-WA0001.jpg", "2021-06-30"),
            ("signal-2021-06-30-120501.jpg", "2021-06-30T12:05:01"),
            ("signal-2021-06-30-12-05-01-123.jpg", "2021-06-30T12:05:01"),
            ("photo_2021-06-30_12-05-01.jpg", "2021-06-30T12:05:01"),
            ("WP_20150403_12_05_01_Pro.jpg", "2015-04-03T12:05:01"),
            ("2021_06_30 Lisbon.jpg", "2021-06-30"),
            ("Lisbon 2021.06.30.jpg", "2021-06-30"),
            ("20210630-IMG_1234.jpg", "2021-06-30"),
            ("IMG_20210630_1205.jpg", "2021-06-30"),
            ("IMG_20210630_250000.jpg", "2021-06-30"),
            ("FB_IMG_1625054701123.jpg", "2021-06-30T12:05:01+00:00"),
            ("mmexport1625054701123.jpg", "2021-06-30T12:05:01+00:00"),
            ("1625054701123.jpg", "2021-06-30T12:05:01+00:00"),
        ] {
            assert_eq!(guess(Path::new("/photos/2001-01-01").join(name).as_path()).as_deref(), Some(wanted), "{name}");
        }
    }

    #[test]
    fn other_numbers_are_no_dates() {
        for name in [
            "DSC_0001.jpg",
            "IMG_1234.jpg",
            "IMG_20211330_120501.jpg",
            "IMG_20210231.jpg",
            "18500101.jpg",
            "20991231.jpg",
            "202106301.jpg",
            "2021-06-301.jpg",
            "2021-06.jpg",
            "2021-06_30.jpg",
            "30-06-2021.jpg",
            "120210630.jpg",
            "4006381333931.jpg",
            "order 1625054701123.jpg",
            "162505470112.jpg",
            "2021063012050.jpg",
            "2021",
            "",
        ] {
            assert_eq!(guess(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn no_name_makes_it_panic() {
        let pieces = ["2021", "06", "30", "-", "_", "at", " ", "1", "é", ".", "pm", "12"];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    for d in pieces {
                        guess(Path::new(&["2021", a, b, c, d].concat()));
                        guess(Path::new(&["2021-06-30", a, b, c, d].concat()));
                    }
                }
            }
        }
    }
}
