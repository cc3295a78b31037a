//! One method a command; each is a call or two of the engine.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sightline_engine::captions::{CaptionJob, CaptionScope, Judged, UNCERTAIN, WriteTo, Written};
use sightline_engine::export::CopyJob;
use sightline_engine::index::IndexJob;
use sightline_engine::jobs::JobControl;
use sightline_engine::notices::THIRD_PARTY;
use sightline_engine::search::{self, Interpretation, Ranking, SearchRequest};
use sightline_engine::{
    AlbumId, DateOrder, DateSource, EngineError, Filter, Match, Overwrite, PhotoId, Search as CaptionSearch, bench,
};

use crate::desk::job_row;
use crate::grants::{KnownPath, Purpose};
use crate::types::*;
use crate::{Desk, ErrorReply};

/// Where a person's settings are kept.
pub(crate) const SETTINGS: &str = sightline_engine::settings::RECENT_SEARCHES.0;

/// Captions that wait for a person's eye at a time.
const REVIEWED: usize = 10_000;

type Reply<T> = Result<T, ErrorReply>;

#[allow(missing_docs, reason = "named and documented in the list of commands and their types")]
impl Desk {
    pub fn overview(&self, (): ()) -> Reply<Overview> {
        let status = self.engine.status()?;
        let folder = |folder: sightline_engine::library::Folder| FolderRow {
            id: folder.id(),
            path: text(&folder.path),
            photos: folder.photos,
            missing: folder.missing,
        };
        // In a library that is only read nothing goes on, and no question can be answered.
        Ok(Overview {
            library: text(&status.library),
            bytes_on_disk: status.bytes_on_disk,
            photos: status.photos,
            searchable: status.searchable,
            problems: status.problems,
            folders: self.engine.folders()?.into_iter().map(folder).collect(),
            absences: if self.read_only { Vec::new() } else { status.absences.iter().map(absence_row).collect() },
            crowded: self.crowded(),
            jobs: if self.read_only { Vec::new() } else { self.jobs.unfinished()?.iter().map(job_row).collect() },
            model_absent: status.model_absent,
        })
    }

    /// What can be added is, in one job; the error names the first that cannot.
    pub fn add_folders(&self, request: AddFolders) -> Reply<JobRow> {
        let folders = self.grants.take(Purpose::AddFolders, &request.folders)?;
        let wrong = |folder: &PathBuf| IndexJob::new(std::slice::from_ref(folder), false).err();
        let refused = folders.iter().find_map(wrong);
        let good: Vec<PathBuf> = folders.into_iter().filter(|folder| wrong(folder).is_none()).collect();
        match refused {
            Some(error) if good.is_empty() => Err(error.into()),
            Some(error) => self.index(good, false).and(Err(error.into())),
            None => self.index(good, false),
        }
    }

    pub fn add_samples(&self, (): ()) -> Reply<JobRow> {
        self.index(vec![self.places.samples.clone()], false)
    }

    pub fn remove_folder(&self, request: RemoveFolder) -> Reply<()> {
        let known = self.engine.folders()?.into_iter().find(|folder| text(&folder.path) == request.path.0);
        let folder = known.ok_or_else(|| unknown(&request.path))?;
        self.engine.remove_folder(&folder.path)?;
        self.shell.library_changed();
        Ok(())
    }

    pub fn rescan(&self, request: Rescan) -> Reply<JobRow> {
        self.engine.follow_volumes()?;
        // A folder on an unplugged disk is passed over: its photos stay.
        let folders = self.engine.folders()?.into_iter().filter(|folder| !folder.missing);
        self.index(folders.map(|folder| folder.path).collect(), request.retry_problems)
    }

    fn index(&self, folders: Vec<PathBuf>, retry: bool) -> Reply<JobRow> {
        Ok(job_row(&self.jobs.start(IndexJob::new(&folders, retry)?)?))
    }

    pub fn answer_absence(&self, request: AnswerAbsence) -> Reply<()> {
        let asked = self.engine.absences()?.into_iter().find(|absence| text(&absence.folder) == request.path.0);
        // Answered already, or everything is there again.
        let Some(absence) = asked else { return Ok(()) };
        if request.forget {
            self.jobs.start(IndexJob::forgetting(&[absence.folder])?)?;
        } else {
            self.engine.keep_absent(&absence.folder)?;
            self.shell.library_changed();
        }
        Ok(())
    }

    pub fn control_job(&self, request: ControlJob) -> Reply<JobRow> {
        let status = match request.action {
            JobAction::Pause => self.jobs.pause(request.job),
            JobAction::Resume => self.jobs.resume(request.job),
            JobAction::Cancel => self.jobs.cancel(request.job),
        };
        Ok(job_row(&status?))
    }

    pub fn problems(&self, (): ()) -> Reply<Vec<ProblemRow>> {
        let row = |problem: sightline_engine::Problem| ProblemRow {
            path: text(&problem.path),
            name: name(&problem.path),
            code: problem.code,
            reason: problem.reason,
        };
        Ok(self.engine.problems()?.into_iter().map(row).collect())
    }

    pub fn search(&self, request: Search) -> Reply<SearchReply> {
        let start = Instant::now();
        let filter = request.filters.into();
        let base = self.base_for(&request.query)?;
        let (query, limit) = (&*request.query, request.limit);
        let less_likely = request.less_likely.unwrap_or(0);
        let reading = Interpretation::now(request.as_words.as_deref().unwrap_or_default());
        let question = SearchRequest { query, limit, less_likely, base: &base, filter: &filter, reading };
        let ranking = self.engine.rank(&question)?;
        self.found(ranking, request.sort, start)
    }

    pub fn similar(&self, request: Similar) -> Reply<SearchReply> {
        let start = Instant::now();
        let ranking = self.engine.rank_similar(PhotoId(request.photo), request.limit)?;
        self.found(ranking, Sort::Match, start)
    }

    pub fn similar_to_file(&self, request: SimilarToFile) -> Reply<SearchReply> {
        let start = Instant::now();
        let ranking = self.engine.rank_similar_to_file(&self.example(&request.file)?, request.limit)?;
        self.found(ranking, Sort::Match, start)
    }

    /// The folder from which a query's paths are taken, if all that it names are known: a query is the page's, too.
    fn base_for(&self, query: &str) -> Reply<PathBuf> {
        let base = std::env::home_dir().unwrap_or_default();
        for file in search::files_in(query).map_err(EngineError::from)? {
            if !self.engine.knows(&base.join(&file))? {
                return Err(unknown(&KnownPath(file)));
            }
        }
        Ok(base)
    }

    fn found(&self, ranking: Ranking, sort: Sort, start: Instant) -> Reply<SearchReply> {
        let of = |confidence| {
            let found = ranking.photos.iter().filter(move |ranked| ranked.confidence == confidence);
            found.map(|ranked| ranked.photo.0).collect::<Vec<i64>>()
        };
        let (mut strong, mut possible, mut less_likely) = (of(Match::Strong), of(Match::Possible), of(Match::None));
        if let Some(order) = date_order(sort) {
            let by_date = self.engine.browse(&Filter::default(), order)?;
            for photos in [&mut strong, &mut possible, &mut less_likely] {
                let set: HashSet<i64> = photos.iter().copied().collect();
                *photos = by_date.iter().map(|photo| photo.0).filter(|photo| set.contains(photo)).collect();
            }
        }
        let judged = ranking.photos.first().is_none_or(|ranked| ranked.score.is_some());
        let took_ms = start.elapsed().as_secs_f64() * 1000.0;
        let Ranking { searched, beyond, unknown, chips, .. } = ranking;
        let (beyond, unknown) = (beyond.into(), unknown.map(Into::into));
        let chips = chips.into_iter().map(Into::into).collect();
        Ok(SearchReply { strong, possible, less_likely, beyond, unknown, chips, judged, searched, took_ms })
    }

    pub fn photos(&self, request: Photos) -> Reply<PhotoList> {
        let order = date_order(request.sort).unwrap_or(DateOrder::NewestFirst);
        let ids = self.engine.browse(&request.filters.into(), order)?;
        Ok(PhotoList { ids: ids.into_iter().map(|photo| photo.0).collect() })
    }

    pub fn photo(&self, request: PhotoRequest) -> Reply<PhotoDetail> {
        let data = self.engine.photo(PhotoId(request.photo))?;
        let row = data.row;
        Ok(PhotoDetail {
            id: request.photo,
            name: data.paths.first().map(|path| name(path)).unwrap_or_default(),
            missing: !data.paths.iter().any(|path| path.is_file()),
            paths: data.paths.iter().map(|path| text(path)).collect(),
            date_guessed: row.date_source == Some(DateSource::Name),
            taken_at: row.taken_at,
            camera: row.camera,
            lens: row.lens,
            latitude: row.latitude,
            longitude: row.longitude,
            place: row.place,
            rating: row.rating,
            width: row.width,
            height: row.height,
            format: row.format,
            size_bytes: row.size_bytes,
            companions: data.companions.iter().map(|companion| text(&companion.path)).collect(),
            albums: data.albums.into_iter().map(|album| album.0).collect(),
        })
    }

    pub fn explain(&self, request: Explain) -> Reply<HeatMap> {
        let base = self.base_for(&request.query)?;
        let reading = Interpretation::now(request.as_words.as_deref().unwrap_or_default());
        let map = self.engine.explain(PhotoId(request.photo), &request.query, &base, reading)?;
        Ok(HeatMap { side: map.side, values: map.values })
    }

    pub fn caption(&self, request: PhotoRequest) -> Reply<CaptionDetail> {
        self.captions_of(request.photo, None)
    }

    pub fn describe(&self, request: PhotoRequest) -> Reply<CaptionDetail> {
        // Words under way are not told: whether the sentence fits is known at its end.
        let described = self.engine.describe_photo(PhotoId(request.photo), &CaptionSearch::default(), drop)?;
        self.captions_of(request.photo, Some(described))
    }

    pub fn write_caption(&self, request: WriteCaption) -> Reply<CaptionDetail> {
        self.engine.write_caption(PhotoId(request.photo), &request.text)?;
        self.captions_of(request.photo, None)
    }

    pub fn undo_caption(&self, request: PhotoRequest) -> Reply<CaptionDetail> {
        self.engine.undo_caption(PhotoId(request.photo))?;
        self.captions_of(request.photo, None)
    }

    pub fn write_out_caption(&self, request: WriteOutCaption) -> Reply<PathList> {
        let to = if request.into_file { WriteTo::File } else { WriteTo::Sidecar };
        let written = self.engine.write_out(PhotoId(request.photo), to)?;
        let paths = paths_of(&written);
        *self.written_out() = written;
        Ok(paths)
    }

    pub fn undo_write_out(&self, (): ()) -> Reply<PathList> {
        let mut written = self.written_out();
        let paths = paths_of(&written);
        while let Some(last) = written.last() {
            last.undo().map_err(sightline_engine::EngineError::from)?;
            written.pop();
        }
        Ok(paths)
    }

    pub fn write_out_preview(&self, request: PhotoRequest) -> Reply<Vec<WriteOutPreview>> {
        let row = |file: sightline_engine::captions::WriteOutPreview| WriteOutPreview {
            path: text(&file.path),
            sidecar: text(&file.sidecar),
            caption_now: file.now.caption,
            keywords_now: file.now.keywords,
            caption: file.then.caption,
            keywords: file.then.keywords,
        };
        Ok(self.engine.write_out_preview(PhotoId(request.photo))?.into_iter().map(row).collect())
    }

    pub fn tags(&self, request: PhotoRequest) -> Reply<Vec<TagRow>> {
        Ok(self.engine.tags(PhotoId(request.photo))?.into_iter().map(tag_row).collect())
    }

    pub fn change_tag(&self, request: ChangeTag) -> Reply<Vec<TagRow>> {
        let photo = PhotoId(request.photo);
        match request.change {
            TagChange::Keep => self.engine.keep_tag(photo, &request.name)?,
            TagChange::Remove => self.engine.remove_tag(photo, &request.name)?,
            TagChange::Restore => self.engine.restore_tag(photo, &request.name)?,
        }
        self.tags(PhotoRequest { photo: request.photo })
    }

    pub fn reveal_tag_list(&self, (): ()) -> Reply<()> {
        let file = self.engine.tag_list()?;
        self.shell.reveal(&file).map_err(|reason| ErrorReply::new("reveal_failed", reason))
    }

    pub fn describe_photos(&self, request: DescribePhotos) -> Reply<JobRow> {
        let scope = request.photos.map_or(CaptionScope::All, CaptionScope::Photos);
        let overwrite = if request.again { Overwrite::Machine } else { Overwrite::Never };
        Ok(job_row(&self.jobs.start(CaptionJob::new(scope, overwrite, &CaptionSearch::default()))?))
    }

    pub fn captions_to_review(&self, (): ()) -> Reply<PhotoList> {
        let photos = self.engine.captions_to_review(REVIEWED)?;
        Ok(PhotoList { ids: photos.into_iter().map(|photo| photo.0).collect() })
    }

    /// A photo's captions, after `described` was written if it just was.
    fn captions_of(&self, photo: i64, described: Option<Judged>) -> Reply<CaptionDetail> {
        let history: Vec<_> = self.engine.caption_history(PhotoId(photo))?.into_iter().map(caption_row).collect();
        let newest = history.iter().find(|row| !row.undone).cloned();
        let (mut guess, mut uncertain) =
            (newest.as_ref().filter(|row| row.is_guess).map(|row| row.text.clone()), Vec::new());
        match described {
            // A guess that takes the place of no person's caption is kept nowhere.
            Some(Judged { is_shown: false, caption, .. }) => guess = Some(caption.text),
            Some(Judged { caption, .. }) => {
                let words = caption.words.into_iter().filter(|word| word.confidence < UNCERTAIN);
                uncertain = words.map(|word| word.text).collect();
            }
            None => {}
        }
        let unsure = match guess {
            Some(guess) => {
                let tags = self.engine.tags(PhotoId(photo))?.into_iter().map(|tag| tag.name).collect();
                Some(UnsureCaption { guess, tags })
            }
            None => None,
        };
        Ok(CaptionDetail { photo, current: newest.filter(|row| !row.is_guess), unsure, history, uncertain })
    }

    pub fn facets(&self, (): ()) -> Reply<Facets> {
        let facets = self.engine.facets()?;
        let rows = |facets: Vec<sightline_engine::Facet>| {
            facets.into_iter().map(|facet| Facet { value: facet.value, photos: facet.photos }).collect()
        };
        let folders = self.engine.folders()?.into_iter();
        Ok(Facets {
            cameras: rows(facets.cameras),
            lenses: rows(facets.lenses),
            places: rows(facets.places),
            formats: rows(facets.formats),
            folders: folders.map(|folder| Facet { value: text(&folder.path), photos: folder.photos }).collect(),
            years: rows(facets.years),
            keywords: rows(self.engine.keywords_used()?),
        })
    }

    pub fn albums(&self, (): ()) -> Reply<Vec<AlbumRow>> {
        Ok(self.engine.albums()?.into_iter().map(album_row).collect())
    }

    pub fn create_album(&self, request: CreateAlbum) -> Reply<AlbumRow> {
        Ok(album_row(self.engine.create_album(&request.name, &ids(&request.photos))?))
    }

    pub fn rename_album(&self, request: RenameAlbum) -> Reply<()> {
        Ok(self.engine.rename_album(AlbumId(request.album), &request.name)?)
    }

    pub fn remove_album(&self, request: AlbumRequest) -> Reply<()> {
        Ok(self.engine.remove_album(AlbumId(request.album))?)
    }

    pub fn add_to_album(&self, request: AlbumPhotos) -> Reply<()> {
        Ok(self.engine.add_to_album(AlbumId(request.album), &ids(&request.photos))?)
    }

    pub fn remove_from_album(&self, request: AlbumPhotos) -> Reply<()> {
        Ok(self.engine.remove_from_album(AlbumId(request.album), &ids(&request.photos))?)
    }

    pub fn reveal(&self, request: Reveal) -> Reply<()> {
        let path = Path::new(&request.path.0);
        if !self.engine.knows(path)? {
            return Err(unknown(&request.path));
        }
        self.shell.reveal(path).map_err(|reason| ErrorReply::new("reveal_failed", reason))
    }

    pub fn export_table(&self, request: ExportTable) -> Reply<()> {
        let file = self.grants.take_one(Purpose::ExportTable, &request.file)?;
        Ok(self.engine.export_table(&ids(&request.photos), &file)?)
    }

    pub fn export_copies(&self, request: ExportCopies) -> Reply<JobRow> {
        let folder = self.grants.take_one(Purpose::ExportCopies, &request.folder)?;
        let job = CopyJob::new(&ids(&request.photos), &folder)?;
        Ok(job_row(&self.jobs.start(job)?))
    }

    pub fn settings(&self, (): ()) -> Reply<Settings> {
        Ok(self.engine.setting(SETTINGS)?.unwrap_or_default())
    }

    pub fn save_settings(&self, settings: Settings) -> Reply<()> {
        self.engine.set_setting(SETTINGS, &settings)?;
        self.watch_if(settings.watch)
    }

    pub fn devices(&self, (): ()) -> Reply<Vec<DeviceRow>> {
        let rows = self.engine.devices()?.into_iter();
        Ok(rows
            .map(|device| DeviceRow {
                kind: device.kind.into(),
                name: device.name,
                in_use: device.in_use,
                reason: device.reason,
            })
            .collect())
    }

    pub fn measure_device(&self, (): ()) -> Reply<DeviceSpeed> {
        let (device, photos_per_second) = bench::device_speed(&self.engine, &JobControl::new())?;
        Ok(DeviceSpeed { device, photos_per_second })
    }

    pub fn model_card(&self, (): ()) -> Reply<ModelCard> {
        let card = self.engine.model_card()?;
        Ok(ModelCard { name: card.name, id: card.id, markdown: card.markdown, bytes: card.bytes })
    }

    pub fn third_party_notices(&self, (): ()) -> Reply<String> {
        Ok(THIRD_PARTY.to_owned())
    }
}

fn unknown(path: &KnownPath) -> ErrorReply {
    ErrorReply::new("path_unknown", format!("{}: not in the library", path.0))
}

/// A path for people; what is not Unicode in it is replaced.
fn text(path: &Path) -> String {
    path.display().to_string()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn ids(photos: &[i64]) -> Vec<PhotoId> {
    photos.iter().copied().map(PhotoId).collect()
}

fn date_order(sort: Sort) -> Option<DateOrder> {
    match sort {
        Sort::Match => None,
        Sort::Newest => Some(DateOrder::NewestFirst),
        Sort::Oldest => Some(DateOrder::OldestFirst),
    }
}

fn caption_row(row: sightline_engine::CaptionRow) -> CaptionRow {
    let author = match row.author {
        sightline_engine::CaptionAuthor::Machine => CaptionAuthor::Machine,
        sightline_engine::CaptionAuthor::Person => CaptionAuthor::Person,
        sightline_engine::CaptionAuthor::File => CaptionAuthor::File,
    };
    let (is_guess, id, text, written_at) = (row.is_guess(), row.id, row.text, row.written_at);
    CaptionRow { id, text, author, confidence: row.confidence, is_guess, written_at, undone: row.undone }
}

fn tag_row(tag: sightline_engine::tags::PhotoTag) -> TagRow {
    let origin = match tag.origin {
        sightline_engine::KeywordOrigin::Person => TagOrigin::Person,
        sightline_engine::KeywordOrigin::File => TagOrigin::File,
        sightline_engine::KeywordOrigin::Model => TagOrigin::Model,
    };
    TagRow { name: tag.name, origin }
}

fn paths_of(written: &[Written]) -> PathList {
    PathList { paths: written.iter().map(|file| text(file.path())).collect() }
}

fn absence_row(absence: &sightline_engine::Absence) -> AbsenceRow {
    AbsenceRow { path: text(&absence.folder), missing: absence.missing, known: absence.known }
}

fn album_row(album: sightline_engine::AlbumRow) -> AlbumRow {
    let cover = album.cover.map(|photo| photo.0);
    AlbumRow { id: album.id.0, name: album.name, photos: album.photos, cover }
}

impl From<Filters> for Filter {
    fn from(filters: Filters) -> Self {
        Self {
            folder: filters.folder.map(Into::into),
            taken_after: filters.after,
            taken_before: filters.before,
            camera: filters.camera,
            lens: filters.lens,
            rating: filters.rating.map(|stars| stars..=5),
            place: filters.place,
            format: filters.format,
            album: filters.album.map(AlbumId),
            ..Self::default()
        }
    }
}

impl From<DeviceChoice> for sightline_engine::DeviceChoice {
    fn from(choice: DeviceChoice) -> Self {
        match choice {
            DeviceChoice::Auto => Self::Auto,
            DeviceChoice::Gpu => Self::Gpu,
            DeviceChoice::Cpu => Self::Cpu,
        }
    }
}

impl From<sightline_engine::DeviceKind> for DeviceKind {
    fn from(kind: sightline_engine::DeviceKind) -> Self {
        match kind {
            sightline_engine::DeviceKind::Cpu => Self::Cpu,
            sightline_engine::DeviceKind::Gpu => Self::Gpu,
            sightline_engine::DeviceKind::SoftwareGpu => Self::Software,
        }
    }
}
