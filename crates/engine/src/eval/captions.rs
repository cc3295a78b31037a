//! The files an evaluation reads: captions as CSV, a split as a list of names.

use std::collections::HashSet;
use std::path::Path;

use crate::EngineError;

/// A sentence about a photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caption {
    /// The photo's name, relative to the folder of images.
    pub image: String,
    /// The sentence.
    pub text: String,
}

/// Reads `image,caption` rows with a header; quoting as in RFC 4180.
pub(crate) fn read_captions(path: &Path) -> Result<Vec<Caption>, EngineError> {
    let bad = |reason: String| EngineError::BadInput { path: path.into(), reason };
    let file = std::fs::File::open(path).map_err(|source| EngineError::Io { path: path.into(), source })?;
    let mut reader = csv::Reader::from_reader(file);
    let headers = reader.headers().map_err(|e| bad(e.to_string()))?;
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header.trim_start_matches('\u{feff}').trim() == name)
            .ok_or_else(|| bad(format!("the first line must name a column `{name}`")))
    };
    let (image, caption) = (column("image")?, column("caption")?);
    let mut captions = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|e| bad(e.to_string()))?;
        let field = |index: usize| row.get(index).unwrap_or_default().trim().to_owned();
        captions.push(Caption { image: field(image), text: field(caption) });
    }
    if captions.is_empty() {
        return Err(bad("there is no caption in it".into()));
    }
    Ok(captions)
}

/// Reads image names, one a line; empty lines are passed over.
pub(crate) fn read_split(path: &Path) -> Result<HashSet<String>, EngineError> {
    let text = std::fs::read_to_string(path).map_err(|source| EngineError::Io { path: path.into(), source })?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captions_of(text: &str) -> Result<Vec<Caption>, EngineError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_captions(file.path())
    }

    #[test]
    fn quoted_captions_keep_commas_quotes_and_line_breaks() {
        let captions = captions_of("image,caption\na.jpg,\"A dog, \"\"Rex\"\",\n runs .\"\nb.jpg, A cat .\n").unwrap();
        assert_eq!(captions[0].text, "A dog, \"Rex\",\n runs .");
        assert_eq!(captions[1], Caption { image: "b.jpg".into(), text: "A cat .".into() });
    }

    #[test]
    fn columns_are_found_by_name_and_errors_say_where() {
        let captions = captions_of("\u{feff}caption,id,image\nA cat,1,a.jpg\n").unwrap();
        assert_eq!(captions[0].image, "a.jpg");
        let error = captions_of("file,text\na,b\n").unwrap_err().to_string();
        assert!(error.contains("`image`"), "{error}");
        let error = captions_of("image,caption\na,b\nc\n").unwrap_err().to_string();
        assert!(error.contains("line: 3"), "{error}");
        assert!(captions_of("image,caption\n").is_err());
    }
}
