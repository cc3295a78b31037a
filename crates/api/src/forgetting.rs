//! The commands about forgetting, and what crosses for them. Photos and folders are named by number.

use serde::{Deserialize, Serialize};
use sightline_engine::PhotoId;
use sightline_engine::forgetting::{ForgetJob, ForgetRequest};
use ts_rs::TS;

use crate::desk::job_row;
use crate::types::JobRow;
use crate::{Desk, ErrorReply};

/// What is to be forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, TS)]
pub struct Forget {
    /// These photos, by number.
    pub photos: Vec<i64>,
    /// All of this folder of the library, by its number.
    pub folder: Option<i64>,
    /// The photos that lie in no folder any more.
    pub missing: bool,
    /// The searches that are remembered.
    pub searches: bool,
}

/// What forgetting will come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ForgetPlan {
    /// Photos that go.
    pub photos: u64,
    /// Photos of the folder that lie in another one too, and stay.
    pub stay: u64,
    /// Whether the library keeps marks of what goes, so that it stays out.
    pub keeps_out: bool,
    /// Versions that may have learned from the photos, by name.
    pub versions: Vec<String>,
    /// Older copies beside the library that have it all still, by name.
    pub copies: Vec<String>,
}

/// What there is to forget, and to let in again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Privacy {
    /// Photos that lie in no folder any more.
    pub missing: u64,
    /// Photos that are kept out.
    pub photos_out: u64,
    /// Folders that are kept out.
    pub folders_out: u64,
}

#[allow(missing_docs, reason = "named and documented in the list of commands and their types")]
impl Desk {
    pub fn forget_plan(&self, request: Forget) -> Result<ForgetPlan, ErrorReply> {
        let plan = self.engine.forget_plan(&self.wanted(request)?)?;
        let name = |copy: &std::path::PathBuf| copy.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(ForgetPlan {
            photos: plan.photos,
            stay: plan.stay,
            keeps_out: plan.keeps_out,
            versions: plan.versions,
            copies: plan.copies.iter().map(name).collect(),
        })
    }

    pub fn forget(&self, request: Forget) -> Result<JobRow, ErrorReply> {
        let wanted = self.wanted(request)?;
        if !wanted.photos.is_empty() || wanted.folder.is_some() {
            // What was written out last names its photos, and can be taken back no more.
            self.written_out().clear();
        }
        self.engine.ask_to_forget(&wanted)?;
        self.shell.library_changed();
        Ok(job_row(&self.jobs.start(ForgetJob::of_new_wish())?))
    }

    pub fn privacy(&self, (): ()) -> Result<Privacy, ErrorReply> {
        let (photos_out, folders_out) = self.engine.kept_out()?;
        Ok(Privacy { missing: self.engine.missing_photos()?, photos_out, folders_out })
    }

    pub fn let_all_in(&self, (): ()) -> Result<(), ErrorReply> {
        self.engine.let_all_in()?;
        Ok(())
    }

    fn wanted(&self, request: Forget) -> Result<ForgetRequest, ErrorReply> {
        let gone = || ErrorReply::new("folder_gone", "the folder is no longer in the library; look again");
        let folder = match request.folder {
            Some(id) => {
                let folder = self.engine.folders()?.into_iter().find(|folder| folder.id() == id);
                Some(folder.ok_or_else(gone)?.path)
            }
            None => None,
        };
        let photos = request.photos.into_iter().map(PhotoId).collect();
        let (missing, searches) = (request.missing, request.searches);
        Ok(ForgetRequest { photos, folder, missing, searches, ..ForgetRequest::default() })
    }
}
