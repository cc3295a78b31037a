//! Text that comes from outside, made harmless for where it goes: names of files, captions, labels, error messages.
//!
//! A terminal takes some letters for orders: to change its title, to write over what stands there, to show a line from
//! right to left. A spreadsheet takes a cell for a formula if it begins like one. Whoever prints or exports text that
//! they did not write themselves passes it through here.

use std::borrow::Cow;

/// Text for a terminal, on one line: control characters (C0, DEL, C1), line and paragraph separators, and what changes
/// the direction of writing or cannot be seen are written as escapes.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_order) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_order(letter) { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    Cow::Owned(shown)
}

/// JSON for a terminal: the same letters as escapes of JSON, where they can only stand inside of strings.
pub fn json_for_terminal(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_order) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        if is_order(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// A cell of a table: one that a spreadsheet would take for a formula gets an apostrophe before it, which is how
/// spreadsheets mark text (OWASP, "CSV injection").
pub fn for_table(cell: &str) -> Cow<'_, str> {
    let begins = |text: &str| text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    // Blanks before it do not keep every program from it.
    if begins(cell) || begins(cell.trim_start()) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// Whether a name may be kept that somebody else chose, such as a label's: it is not empty, one line, not endless, and
/// can be seen as it is.
pub(crate) fn is_name(text: &str) -> bool {
    let is_seen = |letter| !is_order(letter) || MARKS.contains(&letter);
    !text.trim().is_empty() && text.chars().count() <= LONGEST_NAME && text.chars().all(is_seen)
}

/// Marks of direction that stand in names in Arabic and Hebrew.
const MARKS: [char; 3] = ['\u{200e}', '\u{200f}', '\u{061c}'];
/// Letters of a name at most.
const LONGEST_NAME: usize = 200;

/// Whether a letter does something to a terminal instead of being shown by it.
fn is_order(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            // Separators of lines and paragraphs.
            '\u{2028}' | '\u{2029}'
            // Direction of writing: marks, embeddings, overrides, isolates.
            | '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Not seen: soft hyphen, blanks without width, byte order mark, annotations, tags; and what no text may hold.
            // Those that join letters stay, as words of some languages and families of faces are made with them.
            | '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' | '\u{fdd0}'..='\u{fdef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that give a terminal orders, each by another letter.
    const ORDERS: [&str; 12] = [
        "\x1b]0;PWNED\x07\x1b[2Jx",
        "a\nFORGED.jpg: a line",
        "a\rb",
        "\u{9b}31m red",
        "\u{9d}0;PWNED\u{9c}",
        "\u{8}\u{8}\u{8}",
        "a\u{7f}",
        "\u{202e}gpj.exe",
        "\u{2066}a\u{2069}",
        "a\u{2028}b",
        "\u{200f}a\u{061c}",
        "a\u{e0041}\u{feff}\u{0}",
    ];

    #[test]
    fn no_order_reaches_a_terminal() {
        for text in ORDERS {
            let shown = for_terminal(text);
            assert!(!shown.chars().any(is_order), "{text:?} is shown as {shown:?}");
            assert!(shown.contains('\\'), "{shown:?}");
        }
        assert_eq!(for_terminal("a\nb\x1b[31m.jpg"), "a\\nb\\u{1b}[31m.jpg");
        assert_eq!(for_terminal("\u{202e}gpj.exe"), "\\u{202e}gpj.exe");
    }

    #[test]
    fn letters_of_every_language_are_shown_as_they_are() {
        for text in ["K\u{fc}che 1.jpg", "海滩 🏖\u{fe0f} 👩\u{200d}👧", "שלום", "مرحبا", "C:\\a"] {
            assert_eq!(for_terminal(text), text);
        }
    }

    #[test]
    fn json_says_the_same_without_orders() {
        for text in ORDERS {
            let json = serde_json::to_string(&serde_json::json!({ "path": text })).unwrap();
            let shown = json_for_terminal(&json);
            assert!(!shown.chars().any(is_order), "{shown:?}");
            let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
            assert_eq!(read["path"], text);
        }
    }

    #[test]
    fn a_cell_is_no_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "=HYPERLINK(\"http://a\")", "＝1"]
        {
            assert_eq!(for_table(cell), format!("'{cell}"));
        }
        for cell in ["", "a dog", "/photos/=a.jpg", "1-2", "'a", "5 > 4"] {
            assert_eq!(for_table(cell), cell);
        }
    }

    #[test]
    fn a_name_is_one_line_that_can_be_seen() {
        assert!(is_name("Rex") && is_name("海滩") && is_name(&"a".repeat(200)));
        assert!(is_name("\u{200f}שלום"));
        for name in ORDERS.into_iter().filter(|text| *text != "\u{200f}a\u{061c}").chain(["", "  "]) {
            assert!(!is_name(name), "{name:?}");
        }
        assert!(!is_name(&"a".repeat(201)));
    }
}
