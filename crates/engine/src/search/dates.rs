//! Dates as people give them in a query: a year, a month or a day.

use std::str::FromStr;

/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`: the start of that period.
///
/// ISO dates sort as text, so comparing it with a photo's local time as text compares the times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatePrefix(String);

impl DatePrefix {
    /// The date as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DatePrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a date; use 2021, 2021-06 or 2021-06-30");
        let parts: Vec<&str> = text.split('-').collect();
        let digits = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        let lengths = [4, 2, 2];
        if parts.len() > 3 || !parts.iter().zip(lengths).all(|(part, length)| digits(part, length)) {
            return Err(wrong());
        }
        let number = |index: usize| parts.get(index).map(|part| part.parse::<u32>().unwrap_or(0));
        let year = number(0).unwrap_or(0);
        let month = number(1).unwrap_or(1);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(wrong()),
        };
        if !(1..=days).contains(&number(2).unwrap_or(1)) {
            return Err(wrong());
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_real_dates_pass() {
        for good in ["2021", "2021-06", "2021-06-30", "2024-02-29", "1999-12-31"] {
            assert_eq!(good.parse::<DatePrefix>().unwrap().as_str(), good);
        }
        for bad in
            ["21", "2021-6", "2021-13", "2021-00", "2023-02-29", "2021-06-31", "2021-", "soon", "2021-06-30-1", "-"]
        {
            assert!(bad.parse::<DatePrefix>().is_err(), "{bad}");
        }
    }
}
