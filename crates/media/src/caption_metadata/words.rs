//! A person's words wherever programs put them, besides the fields that captions are written to.

/// What cameras and programs write by themselves where a person's words would stand, in lower case.
const BY_ITSELF: [&str; 16] = [
    "olympus digital camera",
    "olympus camera",
    "digital camera",
    "sony dsc",
    "samsung",
    "samsung camera pictures",
    "minolta digital camera",
    "konica minolta digital camera",
    "kodak digital still camera",
    "exif_jpeg_picture",
    "default",
    "screenshot",
    "untitled",
    "created with gimp",
    "picasa",
    "hdrpl",
];

/// The text without blanks around it, if a person may have written it.
pub(crate) fn of_person(text: &str) -> Option<String> {
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control());
    let lower = text.to_lowercase();
    let says_something = text.chars().any(char::is_alphanumeric);
    (says_something && !BY_ITSELF.contains(&lower.as_str())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cameras_write_by_themselves_is_nobodys_word() {
        assert_eq!(of_person("  Grandmother \0 "), Some("Grandmother".into()));
        for text in ["", "   ", "\0\0", "--", "OLYMPUS DIGITAL CAMERA         ", "Created with GIMP"] {
            assert_eq!(of_person(text), None, "{text:?}");
        }
    }
}
