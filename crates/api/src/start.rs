//! The app from its start: the library is opened while the window appears, and where it does not open the window says
//! why and offers what may help.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

use serde_json::Value;
use sightline_engine::home::{LibraryChoice, is_library, library_in};
use sightline_engine::jobs::JobControl;
use sightline_engine::safekeeping;

use crate::choosing::{Choose, FileDrag};
use crate::grants::{ChoiceKind, Granted, Grants, Purpose};
use crate::start_types::*;
use crate::{Desk, ErrorReply, Places, Shell};

/// The few commands that are answered also without a library.
pub(crate) mod list {
    use ts_rs::{Config, TS, TypeVisitor};

    use super::*;

    crate::commands::commands! {
        Start;
        start_state: () => StartState;
        retry_start: () => Started;
        open_read_only: () => Started;
        repair_library: () => Started;
        restore_backup: RestoreBackup => Started;
        choose_library: ChooseLibrary => Started;
        choose: Choose => Option<Granted>;
    }
}

/// Commands that change nothing, and are answered where the library is only read.
const READING: &[&str] = &[
    "overview",
    "problems",
    "search",
    "photos",
    "similar",
    "similar_to_file",
    "photo",
    "explain",
    "caption",
    "write_out_preview",
    "tags",
    "captions_to_review",
    "teach_plan",
    "teach_curve",
    "versions",
    "teach_report",
    "export_version",
    "suggestions",
    "duplicates",
    "facets",
    "albums",
    "reveal",
    "export_table",
    "back_up",
    "check_library",
    "settings",
    "devices",
    "measure_device",
    "model_card",
    "models",
];

/// The first commands of a window: where they meet damage, the library is not open after all.
const FIRST: [&str; 2] = ["settings", "overview"];

/// Opens the library, and answers commands from then on.
pub struct Start {
    places: Mutex<Places>,
    choice: LibraryChoice,
    shell: Arc<dyn Shell>,
    grants: Arc<Grants>,
    /// Held while a dialog of the system's is open.
    dialog: Mutex<()>,
    state: Mutex<State>,
    opened: Condvar,
}

enum State {
    Opening,
    Open(Arc<Desk>),
    Failed(ErrorReply),
}

impl Start {
    /// Begins to open the library of `places`, on a thread of its own; `choice` keeps a person's choice of another.
    pub fn begin(places: Places, choice: LibraryChoice, shell: Arc<dyn Shell>) -> Arc<Self> {
        let (state, opened) = (Mutex::new(State::Opening), Condvar::new());
        let (places, grants, dialog) = (Mutex::new(places), Arc::default(), Mutex::default());
        let start = Arc::new(Self { places, choice, shell, grants, dialog, state, opened });
        let opening = start.clone();
        if let Err(error) = std::thread::Builder::new().name("open".into()).spawn(move || opening.open_first()) {
            start.settle(Err(ErrorReply::new("no_thread", format!("cannot start a thread: {error}"))));
        }
        start
    }

    /// The desk, once the library is open.
    pub fn desk(&self) -> Option<Arc<Desk>> {
        match &*self.wait() {
            State::Open(desk) => Some(desk.clone()),
            State::Opening | State::Failed(_) => None,
        }
    }

    /// Answers a command, of the desk's list or of the start's own; waits until the library is open, or does not open.
    ///
    /// # Errors
    /// The command's own; `library_not_open`, and `library_read_only` for what would change a library that is only read.
    pub fn dispatch(&self, name: &str, request: Value) -> Result<Value, ErrorReply> {
        if list::NAMES.contains(&name) {
            return list::dispatch(self, name, request);
        }
        let desk = match &*self.wait() {
            State::Open(desk) => desk.clone(),
            State::Failed(error) => return Err(ErrorReply::new("library_not_open", error.message.clone())),
            State::Opening => return Err(ErrorReply::new("library_not_open", "the library is being opened")),
        };
        if desk.read_only && crate::NAMES.contains(&name) && !READING.contains(&name) {
            let library = desk.places.library.display();
            return Err(ErrorReply::new("library_read_only", format!("{library}: open for reading only")));
        }
        let answer = crate::dispatch(&desk, name, request);
        if let Err(error) = &answer
            && FIRST.contains(&name)
            && kind(&error.code) == StartFailureKind::Damaged
        {
            self.settle(Err(error.clone()));
            desk.close();
        }
        answer
    }

    /// What a person let go over the window, as it is told to the page.
    pub fn dropped(&self, paths: Vec<PathBuf>) -> FileDrag {
        FileDrag::dropped(paths, &self.grants)
    }

    /// Stops what is under way, so that it goes on at the next start.
    pub fn close(&self) {
        let desk = match &*self.lock() {
            State::Open(desk) => Some(desk.clone()),
            State::Opening | State::Failed(_) => None,
        };
        desk.iter().for_each(|desk| desk.close());
    }

    fn open_first(&self) {
        let opened = catch_unwind(AssertUnwindSafe(|| self.try_open()));
        self.settle(opened.unwrap_or_else(|_| Err(panicked())));
    }

    fn try_open(&self) -> Result<Arc<Desk>, ErrorReply> {
        let library = self.library();
        if library.as_os_str().is_empty() {
            Err(ErrorReply::new("no_home", "this user has no home folder; choose a folder for the library"))
        } else if self.choice.chosen().as_ref() == Some(&library) && !is_library(&library) {
            // Most likely on a disk that is unplugged: another library is not made in its place.
            Err(ErrorReply::new("library_missing", format!("{}: there is no library", library.display())))
        } else {
            self.open(Desk::open)
        }
    }

    fn open(&self, how: fn(Places, Arc<dyn Shell>) -> Result<Desk, ErrorReply>) -> Result<Arc<Desk>, ErrorReply> {
        let places = self.places().clone();
        Ok(Arc::new(how(places, self.shell.clone())?.taking(self.grants.clone())))
    }

    /// Ends the opening.
    fn settle(&self, result: Result<Arc<Desk>, ErrorReply>) {
        *self.lock() = match result {
            Ok(desk) => State::Open(desk),
            Err(error) => State::Failed(error),
        };
        self.opened.notify_all();
    }

    /// Does something about a library that did not open; whoever asks for it meanwhile waits.
    fn instead(&self, work: impl FnOnce() -> Result<Started, ErrorReply>) -> Result<Started, ErrorReply> {
        let error = {
            let mut state = self.wait();
            match &*state {
                State::Failed(error) => {
                    let error = error.clone();
                    *state = State::Opening;
                    error
                }
                // Another press of the same button was faster.
                State::Open(_) | State::Opening => {
                    drop(state);
                    return Ok(self.started());
                }
            }
        };
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()));
        if result.is_err() {
            // What was in the way is in the way still.
            self.settle(Err(error));
        }
        result
    }

    fn reopen(&self, how: fn(Places, Arc<dyn Shell>) -> Result<Desk, ErrorReply>) -> Started {
        let result = self.open(how);
        self.settle(result);
        self.started()
    }

    fn started(&self) -> Started {
        Started { state: self.state_now(), kept: None, lost: 0, choice_lasts: true }
    }

    fn state_now(&self) -> StartState {
        let library = self.library();
        let (read_only, failure) = match &*self.wait() {
            State::Open(desk) => (desk.read_only, None),
            State::Opening => (false, None),
            State::Failed(error) => (false, Some(self.failure(error, &library))),
        };
        StartState { library: library.display().to_string(), read_only, failure }
    }

    fn failure(&self, error: &ErrorReply, library: &Path) -> StartFailure {
        let kind = kind(&error.code);
        let mut ways = ways(kind).to_vec();
        if self.choice.standard.as_deref().is_some_and(|standard| standard != library) {
            ways.push(StartWay::Standard);
        }
        StartFailure { kind, code: error.code.clone(), message: error.message.clone(), ways }
    }

    fn library(&self) -> PathBuf {
        self.places().library.clone()
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, once the library is open or does not open.
    fn wait(&self) -> MutexGuard<'_, State> {
        let opening = |state: &mut State| matches!(state, State::Opening);
        self.opened.wait_while(self.lock(), opening).unwrap_or_else(PoisonError::into_inner)
    }
}

#[allow(missing_docs, reason = "named and documented in the list of commands and their types")]
impl Start {
    pub fn start_state(&self, (): ()) -> Result<StartState, ErrorReply> {
        Ok(self.state_now())
    }

    pub fn retry_start(&self, (): ()) -> Result<Started, ErrorReply> {
        self.instead(|| {
            self.open_first();
            Ok(self.started())
        })
    }

    pub fn open_read_only(&self, (): ()) -> Result<Started, ErrorReply> {
        self.instead(|| {
            let desk = self.open(Desk::open_read_only)?;
            self.settle(Ok(desk));
            Ok(self.started())
        })
    }

    pub fn repair_library(&self, (): ()) -> Result<Started, ErrorReply> {
        self.instead(|| {
            let report = safekeeping::repair(&self.library(), &JobControl::new(), &|_| {})?;
            let lost = report.salvage.iter().flat_map(|salvage| &salvage.tables).map(|table| table.lost).sum();
            Ok(Started { kept: report.kept.map(text), lost, ..self.reopen(Desk::open) })
        })
    }

    pub fn restore_backup(&self, request: RestoreBackup) -> Result<Started, ErrorReply> {
        let backup = self.grants.take_one(Purpose::RestoreBackup, &request.file)?;
        self.instead(|| {
            let kept = safekeeping::restore(&self.library(), &backup, &JobControl::new(), &|_| {})?;
            Ok(Started { kept: kept.map(text), ..self.reopen(Desk::open) })
        })
    }

    pub fn choose_library(&self, request: ChooseLibrary) -> Result<Started, ErrorReply> {
        let library = match request.folder {
            Some(folder) => library_in(&self.grants.take_one(Purpose::ChooseLibrary, &folder)?),
            None => {
                self.choice.standard.clone().ok_or_else(|| ErrorReply::new("no_home", "there is no usual place"))?
            }
        };
        self.instead(|| {
            self.places().library.clone_from(&library);
            let started = self.reopen(Desk::open);
            let opened = started.state.failure.is_none();
            // Used now also where it cannot be remembered.
            let choice_lasts = opened && self.choice.keep(&library).unwrap_or(false);
            Ok(Started { choice_lasts, ..started })
        })
    }

    /// Shows a dialog of the system's; what is chosen there is granted to one command. Null where nothing is.
    pub fn choose(&self, request: Choose) -> Result<Option<Granted>, ErrorReply> {
        let _open = match self.dialog.try_lock() {
            Ok(open) => open,
            Err(TryLockError::Poisoned(open)) => open.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(ErrorReply::new("dialog_open", "another dialog is open; answer that first"));
            }
        };
        let purpose = request.purpose;
        let mut paths = self.shell.choose(&request.into());
        if purpose.kind() != ChoiceKind::Folders {
            paths.truncate(1);
        }
        Ok((!paths.is_empty()).then(|| self.grants.give(purpose, paths)))
    }
}

fn panicked() -> ErrorReply {
    ErrorReply::new("command_panicked", "Sightline stopped unexpectedly while it opened the library")
}

fn text(path: PathBuf) -> String {
    path.display().to_string()
}

fn kind(code: &str) -> StartFailureKind {
    match code {
        "library_read_only" | "library_denied" | "library_needs_recovery" => StartFailureKind::ReadOnly,
        // A repair leaves out what Sightline did not make.
        "catalogue_corrupt" | "catalogue_foreign" | "catalogue_endless" | "not_a_catalogue" | "catalogue_failed" => {
            StartFailureKind::Damaged
        }
        "catalogue_too_new" => StartFailureKind::Newer,
        "catalogue_too_old" => StartFailureKind::Older,
        "library_locked" | "library_in_use" => StartFailureKind::Locked,
        "disk_full" => StartFailureKind::Full,
        "library_missing" => StartFailureKind::Missing,
        _ => StartFailureKind::Other,
    }
}

/// What may help.
fn ways(kind: StartFailureKind) -> &'static [StartWay] {
    use StartWay::{Choose, ReadOnly, Repair, Restore, Retry};
    match kind {
        StartFailureKind::ReadOnly => &[ReadOnly, Retry, Choose],
        StartFailureKind::Damaged => &[Repair, Restore, ReadOnly, Choose, Retry],
        // Nothing of it may be replaced by what is older.
        StartFailureKind::Newer => &[Choose, Retry],
        StartFailureKind::Older => &[Retry, Choose],
        StartFailureKind::Locked | StartFailureKind::Full => &[Retry, ReadOnly, Choose],
        StartFailureKind::Missing => &[Retry, Restore, Choose],
        StartFailureKind::Other => &[Retry, ReadOnly, Repair, Restore, Choose],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads_is_named_as_the_commands_are() {
        for name in READING.iter().chain(&FIRST) {
            assert!(crate::NAMES.contains(name), "{name}");
        }
        for name in list::NAMES {
            assert!(!crate::NAMES.contains(name), "{name} is in both lists");
        }
    }

    #[test]
    fn every_failure_can_be_tried_again_and_another_library_chosen() {
        let codes =
            ["library_read_only", "library_denied", "catalogue_corrupt", "not_a_catalogue", "catalogue_too_new"];
        for code in
            codes.into_iter().chain(["catalogue_too_old", "library_locked", "disk_full", "library_missing", "io"])
        {
            let ways = ways(kind(code));
            assert!(ways.contains(&StartWay::Retry) && ways.contains(&StartWay::Choose), "{code}");
        }
        assert!(!ways(kind("catalogue_too_new")).contains(&StartWay::Restore));
        assert_eq!(ways(kind("catalogue_corrupt"))[0], StartWay::Repair);
    }
}
