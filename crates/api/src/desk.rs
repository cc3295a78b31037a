//! One engine with its jobs, as a person sits at it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sightline_engine::captions::Written;
use sightline_engine::forgetting::ForgetJob;
use sightline_engine::jobs::{JobBoard, JobState as EngineState, JobStatus};
use sightline_engine::watch::{Hearing, WatchEvent, Watcher};
use sightline_engine::{Engine, EngineConfig, PhotoId};

use crate::choosing::FileDialog;
use crate::grants::{Grant, Grants, Purpose};
use crate::trashing::Question;
use crate::types::{DeviceChoice, JobRow, JobState, Settings};
use crate::{ErrorReply, handlers};

/// New photos are told of at most this often.
const CHANGES_EVERY: Duration = Duration::from_secs(1);

/// What only a window system can do.
pub trait Shell: Send + Sync + 'static {
    /// A job changed.
    fn job_changed(&self, job: &JobRow);
    /// Photos came or went.
    fn library_changed(&self);
    /// Shows a file in the system's file manager.
    ///
    /// # Errors
    /// When the system has no file manager, or it refuses.
    fn reveal(&self, path: &Path) -> Result<(), String>;
    /// Shows a dialog of the system's and waits for what a person chooses; empty when they choose nothing.
    fn choose(&self, dialog: &FileDialog) -> Vec<PathBuf>;
    /// Asks a person by a dialog of the system's and waits for the answer; who cannot ask is told no.
    fn confirm(&self, _question: &Question) -> bool {
        false
    }
}

/// Where things lie on this computer.
#[derive(Debug, Clone)]
pub struct Places {
    /// The library's folder.
    pub library: PathBuf,
    /// The bundled model's folder, or that of another that the surroundings name.
    pub model: PathBuf,
    /// The folder of models that a library may choose from; `None` where the surroundings name the model.
    pub models: Option<PathBuf>,
    /// The sample photos.
    pub samples: PathBuf,
    /// The program that decodes photos in processes of its own; `None` decodes in this one.
    pub decoder: Option<PathBuf>,
    /// The folder of this user's settings, if there is one.
    pub settings: Option<PathBuf>,
}

/// Answers commands over one engine.
pub struct Desk {
    pub(crate) engine: Engine,
    pub(crate) jobs: JobBoard,
    pub(crate) places: Places,
    pub(crate) shell: Arc<dyn Shell>,
    pub(crate) grants: Arc<Grants>,
    /// The file from outside that photos are compared with, under the grant that it came by.
    example: Mutex<Option<(Grant, PathBuf)>>,
    /// What was written out last, to take it back.
    written_out: Mutex<Vec<Written>>,
    /// Watches the folders, if that is wanted.
    watcher: Mutex<Option<Watcher>>,
    /// Folders that the system tells nothing of, because there are too many.
    crowded: Arc<Mutex<BTreeSet<PathBuf>>>,
    /// Counts questions about photos and their ends: an answer goes on while its question is the last.
    pub(crate) asked: AtomicU64,
    /// Whether the library is only read: nothing is watched, and no job goes on.
    pub(crate) read_only: bool,
}

impl Desk {
    /// Opens the library, makes it if it is not there, and lets interrupted jobs go on.
    ///
    /// # Errors
    /// When the library cannot be opened.
    pub fn open(places: Places, shell: Arc<dyn Shell>) -> Result<Self, ErrorReply> {
        let (desk, settings) = Self::with(Engine::open, places, shell, false)?;
        if desk.engine.is_forgetting()? {
            // Whoever was asked for it has died.
            desk.jobs.start(ForgetJob::default())?;
        }
        desk.jobs.resume_interrupted()?;
        desk.engine.prepare();
        desk.watch_if(settings.watch)?;
        Ok(desk)
    }

    /// Opens the library to look at it: nothing in it changes, no job goes on, and no folder is watched.
    ///
    /// # Errors
    /// When there is no library, or it cannot be read.
    pub fn open_read_only(places: Places, shell: Arc<dyn Shell>) -> Result<Self, ErrorReply> {
        let (desk, _) = Self::with(Engine::open_read_only, places, shell, true)?;
        desk.engine.prepare();
        Ok(desk)
    }

    fn with(
        open: fn(EngineConfig) -> Result<Engine, sightline_engine::EngineError>,
        places: Places,
        shell: Arc<dyn Shell>,
        read_only: bool,
    ) -> Result<(Self, Settings), ErrorReply> {
        let config = |device| EngineConfig {
            library: places.library.clone(),
            model_dir: places.model.clone(),
            models: places.models.clone(),
            device,
            decoder: places.decoder.clone(),
            settings: places.settings.clone(),
        };
        let mut engine = open(config(sightline_engine::DeviceChoice::Auto))?;
        let settings: Settings = engine.setting(handlers::SETTINGS)?.unwrap_or_default();
        if settings.device != DeviceChoice::Auto {
            engine = open(config(settings.device.into()))?;
        }
        let jobs = JobBoard::new(engine.clone(), listener(engine.clone(), shell.clone()));
        let (written_out, watcher, crowded) = (Mutex::default(), Mutex::default(), Arc::default());
        let (grants, example) = (Arc::default(), Mutex::default());
        let asked = AtomicU64::new(0);
        let desk =
            Self { engine, jobs, places, shell, grants, example, written_out, watcher, crowded, asked, read_only };
        Ok((desk, settings))
    }

    /// Takes what a person chose from elsewhere.
    pub(crate) fn taking(self, grants: Arc<Grants>) -> Self {
        Self { grants, ..self }
    }

    /// What a person chose, for the commands that take it.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// The file that photos are compared with: the one that was, or another that a person chose.
    pub(crate) fn example(&self, grant: &Grant) -> Result<PathBuf, ErrorReply> {
        let mut example = self.example.lock().unwrap_or_else(PoisonError::into_inner);
        match &*example {
            Some((known, file)) if known == grant => Ok(file.clone()),
            _ => {
                let file = self.grants.take_one(Purpose::SimilarToFile, grant)?;
                *example = Some((grant.clone(), file.clone()));
                Ok(file)
            }
        }
    }

    /// Watches the folders, or stops watching them.
    pub(crate) fn watch_if(&self, wanted: bool) -> Result<(), ErrorReply> {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if !wanted {
            *watcher = None;
        } else if watcher.is_none() {
            let (shell, crowded) = (self.shell.clone(), self.crowded.clone());
            let tell = move |event| {
                let mut crowded = crowded.lock().unwrap_or_else(PoisonError::into_inner);
                match event {
                    WatchEvent::Watching { folder, hearing: Hearing::Crowded, .. } => drop(crowded.insert(folder)),
                    WatchEvent::Watching { folder, .. } | WatchEvent::Left { folder } => drop(crowded.remove(&folder)),
                    // What is done, and what cannot be, is told by its job.
                    WatchEvent::Followed { .. } | WatchEvent::Failed { .. } => return,
                    WatchEvent::Moved { .. } => {}
                }
                drop(crowded);
                shell.library_changed();
            };
            *watcher = Some(Watcher::start(self.jobs.clone(), tell)?);
        }
        Ok(())
    }

    /// Folders that the system tells nothing of, because there are too many.
    pub(crate) fn crowded(&self) -> Vec<String> {
        let crowded = self.crowded.lock().unwrap_or_else(PoisonError::into_inner);
        crowded.iter().map(|folder| folder.display().to_string()).collect()
    }

    /// A photo's picture, a JPEG; see [`Engine::thumbnail`] and [`Engine::picture`].
    ///
    /// # Errors
    /// When the photo is not in the library or its file cannot be read.
    pub fn picture(&self, size: PictureSize, photo: i64) -> Result<Vec<u8>, ErrorReply> {
        let photo = PhotoId(photo);
        Ok(match size {
            PictureSize::Thumbnail => self.engine.thumbnail(photo)?,
            PictureSize::Screen => self.engine.picture(photo, Some(SCREEN_SIDE))?,
            PictureSize::Full => self.engine.picture(photo, None)?,
        })
    }

    pub(crate) fn written_out(&self) -> MutexGuard<'_, Vec<Written>> {
        self.written_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the jobs so that they go on at the next start; waits a few seconds at most.
    pub fn close(&self) {
        // First: it would begin new ones.
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        watcher.iter().for_each(Watcher::stop);
        self.jobs.stop_all();
        drop(watcher);
    }
}

/// Longest side of a picture for the screen, in pixels.
const SCREEN_SIDE: u32 = 2048;

/// How large a picture is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureSize {
    /// As in lists.
    Thumbnail,
    /// To fill a screen.
    Screen,
    /// All that the file has.
    Full,
}

impl PictureSize {
    /// From the word in a picture's address.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "thumb" => Some(Self::Thumbnail),
            "screen" => Some(Self::Screen),
            "full" => Some(Self::Full),
            _ => None,
        }
    }
}

/// Passes on what jobs tell, and that the library changed.
fn listener(engine: Engine, shell: Arc<dyn Shell>) -> Box<sightline_engine::jobs::Listener> {
    let told = AtomicU64::new(engine.changes());
    let last: Mutex<Option<Instant>> = Mutex::default();
    Box::new(move |status: &JobStatus| {
        shell.job_changed(&job_row(status));
        let changes = engine.changes();
        if told.load(Ordering::Acquire) == changes {
            return;
        }
        let over = !matches!(status.state, EngineState::Queued | EngineState::Running);
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if over || last.is_none_or(|at| at.elapsed() >= CHANGES_EVERY) {
            *last = Some(Instant::now());
            told.store(changes, Ordering::Release);
            shell.library_changed();
        }
    })
}

/// A job as it crosses.
pub(crate) fn job_row(status: &JobStatus) -> JobRow {
    let (state, error) = match &status.state {
        EngineState::Queued => (JobState::Queued, None),
        EngineState::Running => (JobState::Running, None),
        EngineState::Paused => (JobState::Paused, None),
        EngineState::Done => (JobState::Done, None),
        EngineState::Cancelled => (JobState::Cancelled, None),
        EngineState::Failed { code } => {
            let message = status.message.clone().unwrap_or_default();
            (JobState::Failed, Some(ErrorReply::new(code, message)))
        }
    };
    JobRow {
        id: status.id,
        kind: status.kind.clone(),
        state,
        error,
        phase: status.phase.clone(),
        done: status.done,
        total: status.total,
        rate: status.rate,
        eta_seconds: status.eta_seconds,
        current: status.current.as_ref().map(|path| path.display().to_string()),
        is_waiting: status.waits_for.is_some(),
        waits_for: status.waits_for.flatten(),
    }
}
