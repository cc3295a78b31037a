//! Moving photos to the system's trash: the person is asked by the system and not by the page, which could say anything.

use serde::Deserialize;
use sightline_engine::PhotoId;
use sightline_engine::duplicates::TrashPhotosJob;
use ts_rs::TS;

use crate::desk::job_row;
use crate::types::{JobRow, Language};
use crate::{Desk, ErrorReply};

/// Photos to move to the trash, all their files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct TrashPhotos {
    /// Their numbers.
    pub photos: Vec<i64>,
    /// The language that the person is asked in.
    pub language: Language,
}

/// A question that the system asks a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub title: String,
    /// What comes of a yes.
    pub text: String,
    /// What yes is called.
    pub yes: String,
    /// What no is called.
    pub no: String,
}

impl Question {
    /// Whether so many files of so many photos are to go.
    fn of(photos: usize, files: usize, language: Language) -> Self {
        let (title, text, yes, no) = match (language, photos) {
            (Language::Zh, _) => (
                format!("将 {photos} 张照片移到废纸篓？"),
                format!("共 {files} 个文件会被移到系统的废纸篓，可以恢复。"),
                "移到废纸篓",
                "取消",
            ),
            (_, 1) => ("Move this photo to the trash?".to_owned(), moved(files), "Move to Trash", "Cancel"),
            (_, _) => (format!("Move {photos} photos to the trash?"), moved(files), "Move to Trash", "Cancel"),
        };
        Self { title, text, yes: yes.into(), no: no.into() }
    }
}

fn moved(files: usize) -> String {
    let files = if files == 1 { "Its file goes".to_owned() } else { format!("{files} files go") };
    format!("{files} to the system's trash and can be restored from there.")
}

#[allow(missing_docs, reason = "named and documented in the list of commands and their types")]
impl Desk {
    pub fn trash_photos(&self, request: TrashPhotos) -> Result<Option<JobRow>, ErrorReply> {
        let (mut photos, mut files) = (Vec::new(), 0);
        for photo in request.photos.into_iter().map(PhotoId) {
            let paths = self.engine.photo(photo)?.paths;
            if !paths.is_empty() && !photos.contains(&photo) {
                photos.push(photo);
                files += paths.len();
            }
        }
        if photos.is_empty() || !self.shell.confirm(&Question::of(photos.len(), files, request.language)) {
            return Ok(None);
        }
        Ok(Some(job_row(&self.jobs.start(TrashPhotosJob::new(&photos))?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_says_how_much_goes() {
        let asked = |photos, files, language| {
            let Question { title, text, .. } = Question::of(photos, files, language);
            format!("{title} {text}")
        };
        let one = "Move this photo to the trash? Its file goes to the system's trash and can be restored from there.";
        assert_eq!(asked(1, 1, Language::En), one);
        assert!(asked(1, 2, Language::System).contains("2 files go"));
        assert!(asked(3, 4, Language::En).starts_with("Move 3 photos"));
        assert!(asked(3, 4, Language::Zh).contains("3 张照片"));
    }
}
