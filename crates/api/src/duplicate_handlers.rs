//! The commands about duplicates: each is a call or two of the engine. Files are named by number only.

use sightline_engine::PhotoId;
use sightline_engine::duplicates as engine;

use crate::desk::job_row;
use crate::duplicate_types::*;
use crate::types::JobRow;
use crate::{Desk, ErrorReply};

type Reply<T> = Result<T, ErrorReply>;

#[allow(missing_docs, reason = "named and documented in the list of commands and their types")]
impl Desk {
    pub fn find_duplicates(&self, (): ()) -> Reply<JobRow> {
        Ok(job_row(&self.jobs.start(engine::DuplicatesJob::default())?))
    }

    pub fn duplicates(&self, request: DuplicatesRequest) -> Reply<Duplicates> {
        let found = self.engine.duplicates(None, None)?;
        let undoable = self.engine.undoable_trash()?.map_or(0, |last| last.files);
        let (looked, all) = (found.is_some(), found.unwrap_or_default());
        let freed_bytes = all.iter().map(|group| group.freed_bytes).sum();
        let groups = all.iter().take(request.limit).map(group).collect();
        Ok(Duplicates { looked, count: all.len(), freed_bytes, groups, undoable })
    }

    pub fn no_duplicates(&self, request: NoDuplicates) -> Reply<()> {
        let photos: Vec<PhotoId> = request.photos.into_iter().map(PhotoId).collect();
        if request.undo {
            self.engine.take_back_no_duplicates(&photos)?;
        } else {
            self.engine.say_no_duplicates(&photos)?;
        }
        Ok(())
    }

    pub fn trash_duplicates(&self, request: TrashDuplicates) -> Reply<JobRow> {
        let number = |place: PlaceNumber| engine::Gone { photo: place.photo, location: place.location };
        let keep =
            |one: KeepOne| engine::Keep { kept: number(one.kept), gone: one.gone.into_iter().map(number).collect() };
        let job = engine::TrashJob::new(request.groups.into_iter().map(keep).collect())?;
        Ok(job_row(&self.jobs.start(job)?))
    }

    pub fn undo_trash(&self, (): ()) -> Reply<TrashUndone> {
        let undone = self.engine.undo_trash()?;
        self.shell.library_changed();
        let failed = undone.failed.iter().map(ToString::to_string).collect();
        Ok(TrashUndone { back: undone.back.len(), failed })
    }
}

fn group(group: &engine::DuplicateGroup) -> DuplicateGroup {
    DuplicateGroup {
        kind: match group.kind {
            engine::DuplicateKind::Exact => DuplicateKind::Exact,
            engine::DuplicateKind::Near => DuplicateKind::Near,
        },
        photos: group.photos.iter().map(|photo| photo.0).collect(),
        files: group.files.iter().map(file).collect(),
        freed_bytes: group.freed_bytes,
    }
}

fn file(file: &engine::DuplicateFile) -> DuplicateFile {
    /// Nanoseconds in a second.
    const NS: i64 = 1_000_000_000;
    let text =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
    DuplicateFile {
        place: PlaceNumber { photo: file.photo.0, location: file.location.0 },
        name: text(file.path.file_name()),
        folder: text(file.path.parent().map(std::path::Path::as_os_str)),
        companions: file.companions.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        size_bytes: file.size_bytes + file.companions_bytes,
        modified_at: file.modified_ns.div_euclid(NS),
        width: file.width,
        height: file.height,
        format: file.format.clone(),
        taken_at: file.taken_at.clone(),
        camera: file.camera.clone(),
        albums: file.albums,
        why_not: file.why.map(|why| match why {
            engine::Why::Pixels => WhyNot::Pixels,
            engine::Why::Format => WhyNot::Format,
            engine::Why::Rating => WhyNot::Rating,
            engine::Why::Sidecar => WhyNot::Sidecar,
            engine::Why::Compression => WhyNot::Compression,
            engine::Why::Camera => WhyNot::Camera,
            engine::Why::Date => WhyNot::Date,
            engine::Why::Place => WhyNot::Place,
            engine::Why::Albums => WhyNot::Albums,
            engine::Why::Age => WhyNot::Age,
            engine::Why::Tie => WhyNot::Tie,
        }),
    }
}
