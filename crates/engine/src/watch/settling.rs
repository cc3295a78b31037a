//! Which touched files are ready to be read: not while somebody writes to them.
//!
//! A file that was closed after writing, renamed or removed is ready a moment later, so that a burst of changes
//! becomes one job. One that is being written waits for its closing or, where the system does not tell of that, until
//! it looks the same twice.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// A pause after the last change, in which more of the same burst comes.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a file that is being written must rest where its closing is told, should that get lost.
const REST: Duration = Duration::from_secs(5);
/// The same where its closing is not told.
const SHORT_REST: Duration = Duration::from_millis(700);
/// How soon a path is looked at again below which everything is being indexed.
const HELD: Duration = Duration::from_millis(500);
/// Paths that one job takes: the first of very many are not to wait for the last.
const MANY: usize = 1000;

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    /// It came, went, or got another name or date.
    Named,
    /// Its content is being written, and its closing will be told.
    Writing,
    /// Its content changed, and nobody will tell when that is over.
    Changed,
    /// It was closed after writing.
    Closed,
}

#[derive(Debug)]
struct Entry {
    due: Instant,
    /// Set while somebody may be writing: how it looked last, once it was looked at.
    rest: Option<(Duration, Option<Look>)>,
}

/// Size and time of change.
type Look = (u64, SystemTime);

/// Touched paths that are not ready yet.
#[derive(Debug, Default)]
pub(super) struct Settling {
    entries: HashMap<PathBuf, Entry>,
}

impl Settling {
    /// Takes note of what happened to a path.
    pub fn touch(&mut self, path: PathBuf, touch: Touch, now: Instant) {
        let writing = |rest| Entry { due: now + rest, rest: Some((rest, None)) };
        let paused = || Entry { due: now + PAUSE, rest: None };
        match touch {
            Touch::Closed => drop(self.entries.insert(path, paused())),
            Touch::Writing => drop(self.entries.insert(path, writing(REST))),
            Touch::Changed => drop(self.entries.insert(path, writing(SHORT_REST))),
            // A new date or name is no sign that writing is over.
            Touch::Named => drop(self.entries.entry(path).or_insert_with(paused)),
        }
    }

    /// When a path will be ready next, if any is waiting.
    pub fn due(&self) -> Option<Instant> {
        self.entries.values().map(|entry| entry.due).min()
    }

    /// Has a path ready at `due`, if nothing happens to it before.
    pub fn again(&mut self, path: PathBuf, due: Instant) {
        self.entries.entry(path).or_insert(Entry { due, rest: None });
    }

    /// Forgets what happened to a path.
    pub fn forget(&mut self, path: &Path) {
        self.entries.remove(path);
    }

    /// Takes the paths that are ready and not `held`, sorted; at most a thousand.
    pub fn ready(
        &mut self,
        now: Instant,
        held: impl Fn(&Path) -> bool,
        look: impl Fn(&Path) -> Option<Look>,
    ) -> Vec<PathBuf> {
        let mut ready: Vec<PathBuf> = Vec::new();
        for (path, entry) in self.entries.iter_mut().filter(|(_, entry)| entry.due <= now) {
            if held(path) {
                entry.due = now + HELD;
                continue;
            }
            if let Some((rest, seen)) = &mut entry.rest {
                let looks = look(path);
                if looks.is_some() && *seen != looks {
                    *seen = looks;
                    // The second look comes soon, and again until nothing changes any more.
                    entry.due = now + (*rest / 2).min(SHORT_REST);
                    continue;
                }
            }
            ready.push(path.clone());
        }
        ready.sort();
        ready.truncate(MANY);
        for path in &ready {
            self.entries.remove(path);
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn free(_: &Path) -> bool {
        false
    }

    fn names(paths: Vec<PathBuf>) -> Vec<String> {
        paths.into_iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn a_closed_file_is_ready_at_once_and_one_being_written_is_not() {
        let (mut settling, start) = (Settling::default(), Instant::now());
        settling.touch("whole.jpg".into(), Touch::Named, start);
        settling.touch("whole.jpg".into(), Touch::Writing, start);
        settling.touch("whole.jpg".into(), Touch::Closed, start + 10 * MS);
        settling.touch("half.jpg".into(), Touch::Writing, start);
        let look = |_: &Path| Some((1, SystemTime::UNIX_EPOCH));
        assert!(settling.ready(start + 100 * MS, free, look).is_empty(), "more of the burst may come");
        assert_eq!(names(settling.ready(start + 300 * MS, free, look)), ["whole.jpg"]);
        // A chunk every two seconds, for a minute.
        for second in (2..60).step_by(2) {
            settling.touch("half.jpg".into(), Touch::Writing, start + second * 1000 * MS);
            // A new date in between is no end of it.
            settling.touch("half.jpg".into(), Touch::Named, start + second * 1000 * MS);
            assert!(settling.ready(start + (second * 1000 + 1900) * MS, free, look).is_empty());
        }
        settling.touch("half.jpg".into(), Touch::Closed, start + 60_000 * MS);
        assert_eq!(names(settling.ready(start + 60_300 * MS, free, look)), ["half.jpg"]);
        assert!(settling.due().is_none());
    }

    #[test]
    fn what_is_held_waits_and_is_not_lost() {
        let (mut settling, start) = (Settling::default(), Instant::now());
        settling.touch("a/new.jpg".into(), Touch::Closed, start);
        settling.touch("b/new.jpg".into(), Touch::Closed, start);
        let held = |path: &Path| path.starts_with("a");
        assert_eq!(names(settling.ready(start + 300 * MS, held, |_| None)), ["b/new.jpg"]);
        assert!(settling.due().is_some_and(|due| due > start + 300 * MS), "nobody asks at every instant");
        assert_eq!(names(settling.ready(start + 1000 * MS, free, |_| None)), ["a/new.jpg"]);
        settling.touch("a".into(), Touch::Named, start);
        settling.forget(Path::new("a"));
        assert!(settling.due().is_none());
    }

    #[test]
    fn where_closing_is_not_told_a_file_must_look_the_same_twice() {
        let (mut settling, start) = (Settling::default(), Instant::now());
        settling.touch("a.jpg".into(), Touch::Changed, start);
        let size = std::cell::Cell::new(0);
        let look = |_: &Path| Some((size.get(), SystemTime::UNIX_EPOCH));
        for step in 1..20 {
            size.set(step);
            let later = start + u32::try_from(step).unwrap() * 1000 * MS;
            assert!(settling.ready(later, free, look).is_empty(), "it grows");
        }
        assert_eq!(names(settling.ready(start + 20_000 * MS, free, look)), ["a.jpg"]);
        settling.touch("gone.jpg".into(), Touch::Changed, start);
        assert_eq!(names(settling.ready(start + 1000 * MS, free, |_| None)), ["gone.jpg"]);
    }
}
