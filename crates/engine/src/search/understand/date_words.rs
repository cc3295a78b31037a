//! Words of dates: months, seasons, feasts and numbers, in English, German and Chinese. Keys are folded.

/// How surely a word is a month's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sureness {
    /// Whatever stands beside it.
    Alone,
    /// Only beside a year, or after "in": it has other meanings, or is short.
    Beside,
}

use Sureness::{Alone, Beside};

/// Names of months.
const MONTHS: [(&[&str], Sureness); 24] = [
    (&["january", "januar", "janner", "一月"], Alone),
    (&["february", "februar", "feber", "二月"], Alone),
    (&["marz", "maerz", "三月"], Alone),
    (&["april", "四月"], Alone),
    (&["mai", "五月"], Alone),
    (&["june", "juni", "六月"], Alone),
    (&["july", "juli", "七月"], Alone),
    (&["august", "八月"], Alone),
    (&["september", "九月"], Alone),
    (&["october", "oktober", "十月"], Alone),
    (&["november", "十一月"], Alone),
    (&["december", "dezember", "十二月"], Alone),
    (&["jan"], Beside),
    (&["feb"], Beside),
    (&["march", "mar"], Beside),
    (&["apr"], Beside),
    (&["may"], Beside),
    (&["jun"], Beside),
    (&["jul"], Beside),
    (&["aug"], Beside),
    (&["sep", "sept"], Beside),
    (&["oct", "okt"], Beside),
    (&["nov"], Beside),
    (&["dec", "dez"], Beside),
];

/// The month of a name, 1 to 12.
pub(super) fn month(key: &str) -> Option<(u8, Sureness)> {
    let at = MONTHS.iter().position(|(names, _)| names.contains(&key))?;
    Some(((at % 12) as u8 + 1, MONTHS[at].1))
}

/// A part of a year that has a name and comes back every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Three months from this one on.
    Season(u8),
    Christmas,
    Easter,
    Halloween,
    /// The last day of a year and the first of the next.
    NewYear,
}

/// The season or the feast of a name of one word.
pub(super) fn part(key: &str) -> Option<Part> {
    Some(match key {
        "spring" | "fruhling" | "fruehling" | "fruhjahr" | "fruehjahr" | "春天" | "春季" | "春" => Part::Season(3),
        "summer" | "sommer" | "夏天" | "夏季" | "夏" => Part::Season(6),
        "autumn" | "fall" | "herbst" | "秋天" | "秋季" | "秋" => Part::Season(9),
        "winter" | "冬天" | "冬季" | "冬" => Part::Season(12),
        "christmas" | "xmas" | "weihnachten" | "圣诞节" | "圣诞" => Part::Christmas,
        "easter" | "ostern" | "复活节" => Part::Easter,
        "halloween" | "万圣节" => Part::Halloween,
        "silvester" | "跨年夜" => Part::NewYear,
        _ => return None,
    })
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Week,
    Month,
    Year,
}

/// The unit of a word for it, one or many.
pub(super) fn unit(key: &str) -> Option<Unit> {
    Some(match key {
        "day" | "days" | "tag" | "tage" | "tagen" => Unit::Day,
        "week" | "weeks" | "woche" | "wochen" => Unit::Week,
        "month" | "months" | "monat" | "monate" | "monaten" => Unit::Month,
        "year" | "years" | "jahr" | "jahre" | "jahren" => Unit::Year,
        _ => return None,
    })
}

/// The unit of a Chinese word that puts it into the past: "years ago".
pub(super) fn unit_ago(key: &str) -> Option<Unit> {
    Some(match key {
        "天前" => Unit::Day,
        "周前" | "星期前" => Unit::Week,
        "个月前" | "月前" => Unit::Month,
        "年前" => Unit::Year,
        _ => return None,
    })
}

/// A small number in digits or in words.
pub(super) fn number(key: &str) -> Option<i32> {
    const WORDS: [&[&str]; 10] = [
        &["one", "a", "an", "ein", "eine", "einem", "einer", "一", "一个"],
        &["two", "zwei", "两", "两个", "二"],
        &["three", "drei", "三"],
        &["four", "vier", "四"],
        &["five", "funf", "五"],
        &["six", "sechs", "六"],
        &["seven", "sieben", "七"],
        &["eight", "acht", "八"],
        &["nine", "neun", "九"],
        &["ten", "zehn", "十"],
    ];
    if let Some(at) = WORDS.iter().position(|words| words.contains(&key)) {
        return Some(at as i32 + 1);
    }
    let digits = !key.is_empty() && key.len() <= 3 && key.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| key.parse().ok()).flatten()
}

pub(super) const LAST: &[&str] = &[
    "last",
    "past",
    "letzter",
    "letzte",
    "letztes",
    "letzten",
    "letztem",
    "vergangener",
    "vergangene",
    "vergangenes",
    "vergangenen",
    "vergangenem",
    "voriges",
    "vorigen",
    "vorige",
    "previous",
];
pub(super) const THIS: &[&str] = &["this", "dieser", "diese", "dieses", "diesen", "diesem"];
pub(super) const WEEKEND: &[&str] = &["weekend", "wochenende"];
