//! A person's words wherever programs put them, besides the fields that captions are written to.

/// What cameras and programs write by themselves where a person's words would stand, in lower case.
const BY_ITSELF: [&str; 10] = [
    "olympus camera",
    "sony dsc",
    "samsung",
    "samsung camera pictures",
    "exif_jpeg_picture",
    "default",
    "screenshot",
    "untitled",
    "picasa",
    "hdrpl",
];
/// How such texts of many makers begin or end, and notes of whose a photo is.
const BEGINNINGS: [&str; 5] = ["created with ", "file written by ", "(c)", "\u{a9}", "copyright "];
const ENDS: [&str; 3] = ["digital camera", "digital still camera", "digital video camera"];

/// The text without blanks around it, if a person may have written it.
pub(crate) fn of_person(text: &str) -> Option<String> {
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control());
    let lower = text.to_lowercase();
    let says_something = text.chars().any(char::is_alphanumeric);
    let by_itself = BY_ITSELF.contains(&lower.as_str())
        || BEGINNINGS.iter().any(|start| lower.starts_with(start))
        || ENDS.iter().any(|end| lower.ends_with(end))
        || is_number(&lower)
        || is_address(&lower);
    (says_something && !by_itself).then(|| text.to_owned())
}

/// Letters of a name that are kept: of a place, a person, a lens.
pub(crate) const LONGEST_NAME: usize = 200;

/// A name without blanks around it, as long as a name may be; `None` where there is none.
pub(crate) fn name(text: &str) -> Option<String> {
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control());
    (!text.is_empty()).then(|| text.chars().take(LONGEST_NAME).collect())
}

/// Whether it is one word that a machine made: a checksum, or the name of a file on a camera's card.
fn is_number(lower: &str) -> bool {
    /// What names of files on cards begin with (Design rule for Camera File system, 3.3.2: then come digits).
    const CARDS: [&str; 15] = [
        "dsc", "dscf", "dscn", "img", "imgp", "pict", "pic", "cimg", "sany", "hpim", "dcp", "gopr", "dji", "pxl", "mvc",
    ];
    let checksum = (32..=128).contains(&lower.len()) && lower.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = lower.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let on_a_card = lower.len() >= name.len() + 4 && CARDS.contains(&name.trim_end_matches(['_', '-']));
    checksum || on_a_card
}

/// Whether it is no more than somebody's address: of mail, or of a page.
fn is_address(lower: &str) -> bool {
    let is_name =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_host = |host: &str| {
        let (rest, top) = host.rsplit_once('.').unwrap_or_default();
        rest.split('.').all(is_name) && top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let one_word = !lower.contains(char::is_whitespace);
    one_word && (lower.contains("://") || is_host(lower.rsplit('@').next().unwrap_or(lower)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cameras_write_by_themselves_is_nobodys_word() {
        assert_eq!(of_person("  Grandmother \0 "), Some("Grandmother".into()));
        let checksum = "a5cb01550dbb9a6bf732f87e413f6e231cc4581e6a5be800fb0871dce0760cd5";
        let empty = ["", "   ", "\0\0", "--"];
        let made =
            ["OLYMPUS DIGITAL CAMERA         ", "SANYO DIGITAL CAMERA", "Created with GIMP", "DSC00006", "IMG_1234"];
        let notices = [
            "(C)  Lennart@sorth.dk",
            "\u{a9} 2019 Ida",
            "Copyright Ida",
            "unitednoses.com",
            "http://a.b/c",
            "ida@example.org",
        ];
        for text in empty.into_iter().chain(made).chain(notices).chain([checksum]) {
            assert_eq!(of_person(text), None, "{text:?}");
        }
        for text in [
            "2019",
            "Rex 2019",
            "Paris2024",
            "Our old digital camera on the table",
            "deadbeef",
            "Rex.",
            "Rex. Ida",
            "3.5",
        ] {
            assert!(of_person(text).is_some(), "{text:?}");
        }
    }
}
