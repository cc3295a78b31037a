//! Who tells of changes: the system, or a look at everything now and then where it does not.
//!
//! A network share is changed by other computers, of which this system tells nothing; and a system tells only of so
//! many folders. There everything is looked at, at intervals that grow with the time that one look takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Config, ErrorKind, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use sightline_media::Volumes;

use super::settling::Touch;

/// The least time between two looks at everything.
const LEAST_INTERVAL: Duration = Duration::from_secs(2);
/// And the longest.
const MOST_INTERVAL: Duration = Duration::from_secs(300);
/// A look takes at most this part of the time.
const ONE_IN: u32 = 20;

/// How changes of a folder are learned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// The system tells at once.
    Told,
    /// Everything is looked at now and then, because other computers may change it.
    Shared,
    /// The same, because the system's limit of watched folders is reached.
    Crowded,
}

/// What was heard.
#[derive(Debug)]
pub(super) enum Heard {
    /// Something happened to a path.
    Touched(PathBuf, Touch),
    /// Something happened, and nobody knows to what.
    Missed,
}

enum Ear {
    /// Held, because it tells as long as it lives.
    Told {
        _watcher: RecommendedWatcher,
    },
    Asking {
        watcher: PollWatcher,
        interval: Duration,
        next: Instant,
    },
}

/// One folder with who tells of it.
pub(super) struct Watched {
    pub folder: PathBuf,
    pub hearing: Hearing,
    /// Which folder it is, whatever is put at its path later.
    identity: Option<same_file::Handle>,
    ear: Ear,
}

impl Watched {
    /// Begins to listen to a folder.
    pub fn new(folder: &Path, volumes: &Arc<dyn Volumes>, to: &Sender<Heard>) -> notify::Result<Self> {
        let identity = same_file::Handle::from_path(folder).ok();
        let shared = volumes.is_shared(folder);
        let told = if shared { Err(Hearing::Shared) } else { told(folder, to)? };
        let (hearing, ear) = match told {
            Ok(watcher) => (Hearing::Told, Ear::Told { _watcher: watcher }),
            Err(hearing) => (hearing, asking(folder, to)?),
        };
        Ok(Self { folder: folder.into(), hearing, identity, ear })
    }

    /// Whether the same folder is still at its path.
    pub fn is_there(&self) -> bool {
        same_file::Handle::from_path(&self.folder).ok() == self.identity
    }

    /// Looks at everything if it is time to; returns when it will be next.
    pub fn tend(&mut self, now: Instant) -> Option<Instant> {
        let Ear::Asking { watcher, interval, next } = &mut self.ear else { return None };
        if *next <= now {
            // Its thread has ended only when the whole is being dropped.
            watcher.poll().ok();
            *next = now + *interval;
        }
        Some(*next)
    }

    /// How often everything is looked at.
    pub fn interval(&self) -> Option<Duration> {
        match &self.ear {
            Ear::Told { .. } => None,
            Ear::Asking { interval, .. } => Some(*interval),
        }
    }
}

/// Has the system tell, unless it cannot for so many folders.
fn told(folder: &Path, to: &Sender<Heard>) -> notify::Result<Result<RecommendedWatcher, Hearing>> {
    let hear = hear(to.clone(), false);
    let watcher = RecommendedWatcher::new(hear, Config::default()).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    match watcher {
        Ok(watcher) => Ok(Ok(watcher)),
        Err(error) if is_crowded(&error) => Ok(Err(Hearing::Crowded)),
        Err(error) => Err(error),
    }
}

/// Whether the system's limit of watches, or of watchers, is reached.
fn is_crowded(error: &notify::Error) -> bool {
    // EMFILE and ENOSPC, which inotify gives for its own limits.
    const LIMITS: [i32; 2] = [24, 28];
    match &error.kind {
        ErrorKind::MaxFilesWatch => true,
        ErrorKind::Io(source) => cfg!(unix) && source.raw_os_error().is_some_and(|code| LIMITS.contains(&code)),
        _ => false,
    }
}

fn asking(folder: &Path, to: &Sender<Heard>) -> notify::Result<Ear> {
    let config = Config::default().with_manual_polling();
    let mut watcher = PollWatcher::new(hear(to.clone(), true), config)?;
    // The first look is taken here: it tells how long one takes.
    let start = Instant::now();
    watcher.watch(folder, RecursiveMode::Recursive)?;
    let interval = (start.elapsed() * ONE_IN).clamp(LEAST_INTERVAL, MOST_INTERVAL);
    Ok(Ear::Asking { watcher, interval, next: Instant::now() + interval })
}

fn hear(to: Sender<Heard>, asked: bool) -> impl FnMut(notify::Result<notify::Event>) {
    move |event| {
        let heard = match event {
            Ok(event) if event.need_rescan() => vec![Heard::Missed],
            Ok(event) => {
                let Some(touch) = touch(&event.kind, asked) else { return };
                // Whoever looks at everything tells of each file of a folder, too.
                let paths = event.paths.into_iter().filter(|path| !asked || !path.is_dir());
                paths.map(|path| Heard::Touched(path, touch)).collect()
            }
            // What cannot be read now is found to be so when it is looked at.
            Err(error) => error.paths.into_iter().map(|path| Heard::Touched(path, Touch::Named)).collect(),
        };
        for heard in heard {
            // Nobody listens any more when the watch has ended.
            to.send(heard).ok();
        }
    }
}

/// What an event says; nothing of reading.
fn touch(kind: &EventKind, asked: bool) -> Option<Touch> {
    // Linux alone tells of the end of writing.
    let tells_of_closing = cfg!(target_os = "linux") && !asked;
    Some(match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Touch::Closed,
        EventKind::Access(_) => return None,
        EventKind::Modify(ModifyKind::Data(_)) if tells_of_closing => Touch::Writing,
        EventKind::Create(_) | EventKind::Modify(_) if !tells_of_closing => Touch::Changed,
        _ => Touch::Named,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_limits_are_told_from_other_errors() {
        let io = |code: i32| notify::Error::io(std::io::Error::from_raw_os_error(code));
        assert!(is_crowded(&notify::Error::new(ErrorKind::MaxFilesWatch)));
        // Too many watchers of this user, and no more watches.
        assert_eq!([24, 28].map(|code| is_crowded(&io(code))), [cfg!(unix); 2]);
        assert!(!is_crowded(&io(2)) && !is_crowded(&notify::Error::path_not_found()));
    }

    #[test]
    fn reading_is_no_change() {
        assert_eq!(touch(&EventKind::Access(AccessKind::Open(AccessMode::Any)), false), None);
        assert_eq!(touch(&EventKind::Access(AccessKind::Close(AccessMode::Read)), false), None);
        assert_eq!(touch(&EventKind::Access(AccessKind::Close(AccessMode::Write)), false), Some(Touch::Closed));
        assert_eq!(touch(&EventKind::Create(notify::event::CreateKind::Any), true), Some(Touch::Changed));
    }
}
