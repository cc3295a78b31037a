//! Which files are being read, kept on the disk, so that a start after a death knows what was read when it came.
//!
//! A file is in flight from when a thread takes it until what came of it is committed. Whoever is left behind is a
//! suspect, and no more than that: a program may die of anything, and many files are in flight at once.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// The file in the library's folder.
const NAME: &str = "in-flight.jsonl";
/// It is written anew when it has so many bytes, and no more of one is read.
const LARGEST: u64 = 1 << 20;

/// A line of the file.
#[derive(Serialize, Deserialize)]
enum Line {
    Begun(#[serde(with = "crate::paths")] Vec<PathBuf>),
    Ended(#[serde(with = "crate::paths")] Vec<PathBuf>),
}

/// The files of one run.
pub(super) struct InFlight {
    place: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `None` where it cannot be written: a death then leaves no suspects.
    file: Option<File>,
    bytes: u64,
    files: BTreeSet<PathBuf>,
    /// Suspects that this run does not read.
    kept: BTreeSet<PathBuf>,
}

/// What was in flight when the run before died; empty when it came to an end.
pub(super) fn left_behind(library: &Path) -> BTreeSet<PathBuf> {
    let place = library.join(NAME);
    let mut left = BTreeSet::new();
    if !fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_file()) {
        return left;
    }
    let Ok(file) = File::open(&place) else { return left };
    for line in BufReader::new(file.take(2 * LARGEST)).lines() {
        // The last line may be cut short.
        match line.ok().and_then(|line| serde_json::from_str(&line).ok()) {
            Some(Line::Begun(files)) => left.extend(files),
            Some(Line::Ended(files)) => left.retain(|file| !files.contains(file)),
            None => break,
        }
    }
    left
}

/// Takes files off what a run that died left behind. Nobody may index meanwhile.
pub(crate) fn forget(library: &Path, is_forgotten: &dyn Fn(&Path) -> bool) {
    let mut left = left_behind(library);
    left.retain(|file| !is_forgotten(file));
    // At its end it writes down who is left, or takes the file away.
    drop(InFlight::start(library, left));
}

impl InFlight {
    /// Begins a run, in which the suspects `kept` are not read.
    pub fn start(library: &Path, kept: BTreeSet<PathBuf>) -> Self {
        let this = Self { place: library.join(NAME), state: Mutex::new(State { kept, ..State::default() }) };
        this.rewrite(&mut this.lock());
        this
    }

    /// A thread takes a file.
    pub fn begin(&self, file: &Path) {
        let mut state = self.lock();
        state.files.insert(file.to_owned());
        self.write(&mut state, &Line::Begun(vec![file.to_owned()]));
    }

    /// What came of these files is committed.
    pub fn end(&self, files: Vec<PathBuf>) {
        let mut state = self.lock();
        for file in &files {
            state.files.remove(file);
        }
        match state.bytes > LARGEST {
            true => self.rewrite(&mut state),
            false if files.is_empty() => {}
            false => self.write(&mut state, &Line::Ended(files)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, state: &mut State, line: &Line) {
        let Ok(mut text) = serde_json::to_vec(line) else { return };
        text.push(b'\n');
        // At once and in one piece, for who comes after a death of this process; a power cut may lose it.
        if state.file.as_mut().is_some_and(|file| file.write_all(&text).is_err()) {
            state.file = None;
        }
        state.bytes += text.len() as u64;
    }

    /// Writes the file anew, with what is in flight now.
    fn rewrite(&self, state: &mut State) {
        state.file = None;
        state.bytes = 0;
        // Never through a link: the name is taken away first and must then be free.
        fs::remove_file(&self.place).ok();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        state.file = options.open(&self.place).ok();
        let files: Vec<PathBuf> = state.files.iter().chain(&state.kept).cloned().collect();
        if !files.is_empty() {
            self.write(state, &Line::Begun(files));
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.lock();
        state.files.clear();
        if state.kept.is_empty() {
            state.file = None;
            fs::remove_file(&self.place).ok();
        } else {
            self.rewrite(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> BTreeSet<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn a_death_leaves_what_was_in_flight_and_an_end_leaves_nothing() {
        let library = tempfile::tempdir().unwrap();
        assert_eq!(left_behind(library.path()), paths(&[]));
        let run = InFlight::start(library.path(), paths(&["/p/kept.jpg"]));
        for name in ["/p/a.jpg", "/p/b.jpg", "/p/c.jpg"] {
            run.begin(Path::new(name));
        }
        run.end(vec!["/p/b.jpg".into()]);
        let dead = paths(&["/p/a.jpg", "/p/c.jpg", "/p/kept.jpg"]);
        assert_eq!(left_behind(library.path()), dead, "as after a kill");
        // Cut in the middle of a line.
        let place = library.path().join(NAME);
        let whole = fs::read(&place).unwrap();
        fs::write(&place, &whole[..whole.len() - 3]).unwrap();
        assert_eq!(left_behind(library.path()), paths(&["/p/a.jpg", "/p/b.jpg", "/p/c.jpg", "/p/kept.jpg"]));
        drop(run);
        assert_eq!(left_behind(library.path()), paths(&["/p/kept.jpg"]));
        drop(InFlight::start(library.path(), paths(&[])));
        assert!(!place.exists());
    }

    #[test]
    fn the_file_stays_small_however_much_is_read() {
        let library = tempfile::tempdir().unwrap();
        let run = InFlight::start(library.path(), paths(&[]));
        run.begin(Path::new("/p/long.jpg"));
        for number in 0..20_000 {
            let file = PathBuf::from(format!("/p/{}{number}.jpg", "x".repeat(60)));
            run.begin(&file);
            run.end(vec![file]);
        }
        assert!(fs::metadata(library.path().join(NAME)).unwrap().len() <= LARGEST + 1000);
        assert_eq!(left_behind(library.path()), paths(&["/p/long.jpg"]));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_its_place_is_neither_followed_nor_believed() {
        let library = tempfile::tempdir().unwrap();
        let precious = library.path().join("precious");
        let text = serde_json::to_string(&Line::Begun(vec!["/p/a.jpg".into()])).unwrap();
        fs::write(&precious, &text).unwrap();
        std::os::unix::fs::symlink(&precious, library.path().join(NAME)).unwrap();
        assert_eq!(left_behind(library.path()), paths(&[]));
        let run = InFlight::start(library.path(), paths(&[]));
        run.begin(Path::new("/p/b.jpg"));
        drop(run);
        assert_eq!(fs::read_to_string(&precious).unwrap(), text);
    }
}
