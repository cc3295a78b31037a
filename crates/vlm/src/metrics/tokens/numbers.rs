//! Numbers and fractions.

use super::{at, is_word, run, words};

/// The longest number at the start of the text; zero if there is none.
pub(super) fn longest(rest: &[char]) -> usize {
    plain(rest).max(measure(rest)).max(fraction(rest))
}

/// A number with an optional sign: "5", "-5", ".99", "1,000.50", "10:30".
///
/// A separator can also come first, so "a,5" is "a" and ",5".
fn plain(rest: &[char]) -> usize {
    let sign = usize::from(at(rest, 0, |c| matches!(c, '+' | '-')));
    let mut length = sign + digits(&rest[sign..]);
    while at(rest, length, |c| matches!(c, '.' | ',' | ':')) {
        match digits(&rest[length + 1..]) {
            0 => break,
            count => length += 1 + count,
        }
    }
    if length > sign { length } else { 0 }
}

/// A decimal number with a hyphened unit: "2.5-inch", "2,000-foot-long", "3.5m-long".
fn measure(rest: &[char]) -> usize {
    let mut number = digits(rest);
    let whole = number;
    while number > 0 && at(rest, number, |c| matches!(c, '.' | ',')) {
        match digits(&rest[number + 1..]) {
            0 => break,
            count => number += 1 + count,
        }
    }
    if number == whole {
        return 0;
    }
    number += run(&rest[number..], is_word);
    let unit = words::hyphen_parts(&rest[number..]);
    if unit == 0 { 0 } else { number + unit }
}

/// A fraction or mixed number: "1/2", "3-1/2" and "3 1/2", which is one token.
fn fraction(rest: &[char]) -> usize {
    let simple = |start: usize| {
        let above = digits(&rest[start..]);
        let slash = start + above;
        if above == 0 || !at(rest, slash, |c| c == '/') {
            return 0;
        }
        let below = digits(&rest[slash + 1..]);
        let end = slash + 1 + below;
        // "1/2/2010" and "1/2a" are words with slashes.
        if below == 0 || at(rest, end, |c| is_word(c) || c == '/') { 0 } else { end }
    };
    let whole = digits(rest);
    let mixed = if whole > 0 && at(rest, whole, |c| matches!(c, ' ' | '-')) { simple(whole + 1) } else { 0 };
    mixed.max(simple(0))
}

fn digits(rest: &[char]) -> usize {
    run(rest, |c| c.is_ascii_digit())
}
