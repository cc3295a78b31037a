//! A watch beside the jobs of a board: a folder is indexed once, by one of them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::index::IndexJob;
use crate::jobs::{Job, JobStatus};
use crate::testing::{BLUE, RED, World};

/// Enough that the watch sees the folder while it is indexed, at 40 ms a photo.
const MANY: u8 = 100;
const LONG: Duration = Duration::from_secs(30);

/// A board with a watcher on it, and what the board's jobs told.
struct Desk {
    board: JobBoard,
    told: Arc<Mutex<Vec<JobStatus>>>,
    _watcher: Watcher,
}

impl Desk {
    fn at(world: &World) -> Self {
        let told = Arc::<Mutex<Vec<JobStatus>>>::default();
        let ears = told.clone();
        let listener = Box::new(move |status: &JobStatus| ears.lock().unwrap().push(status.clone()));
        let board = JobBoard::new(world.engine(), listener);
        let watcher = Watcher::start(board.clone(), |_| {}).unwrap();
        Self { board, told, _watcher: watcher }
    }

    /// Jobs that follow changes, so far.
    fn followers(&self) -> usize {
        self.told.lock().unwrap().iter().filter(|status| status.kind == FollowJob::KIND).count()
    }

    fn state(&self, id: i64) -> JobState {
        self.board.status(id).unwrap().state
    }
}

fn slow_world() -> World {
    let world = World::new();
    for number in 0..MANY {
        world.photo(&format!("{number}.jpg"), RED, number);
    }
    world.fake.delay_ms.store(40, Ordering::SeqCst);
    world
}

fn job(world: &World) -> IndexJob {
    IndexJob::new(&[world.photos()], false).unwrap()
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_folder_that_is_being_indexed_is_left_to_that_job_and_followed_after_it() {
    let world = slow_world();
    let desk = Desk::at(&world);
    let id = desk.board.start(job(&world)).unwrap().id;
    wait("photos are embedded", || world.fake.embedded() > 16);
    // Long after the walk has passed.
    let late = world.photo("late.jpg", BLUE, 0);
    wait("the folder is indexed", || desk.state(id) == JobState::Done);
    let told = desk.told.lock().unwrap().clone();
    let ended = told.iter().position(|status| status.state == JobState::Done).unwrap_or(told.len());
    assert!(told[..ended].iter().all(|status| status.id == id), "one job at a time: {:?}", &told[..ended]);
    let engine = desk.board.engine();
    let known = || engine.catalog().unwrap().known(&late).unwrap().is_some();
    wait("what came meanwhile is followed", known);
    assert_eq!(world.fake.embedded(), usize::from(MANY) + 1, "each photo is embedded once");
    // What was touched and the folder as a whole are followed by jobs that leave no row.
    let kinds = || engine.catalog().unwrap().jobs().unwrap().into_iter().map(|row| row.kind).collect::<Vec<_>>();
    wait("one row is left", || kinds() == [IndexJob::KIND]);
    assert_eq!(world.fake.embedded(), usize::from(MANY) + 1);
}

#[test]
fn a_job_that_a_person_paused_or_stopped_is_not_done_by_the_watch() {
    let world = slow_world();
    let desk = Desk::at(&world);
    let id = desk.board.start(job(&world)).unwrap().id;
    wait("photos are embedded", || world.fake.embedded() > 0);
    desk.board.pause(id).unwrap();
    wait("it is paused", || desk.state(id) == JobState::Paused);
    let before = world.fake.embedded();
    std::thread::sleep(TEND + Duration::from_secs(2));
    assert_eq!((world.fake.embedded(), desk.followers()), (before, 0), "a pause is a pause");
    desk.board.cancel(id).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((world.fake.embedded(), desk.followers()), (before, 0), "and a stop is a stop");
    // What comes now is new.
    let late = world.photo("late.jpg", BLUE, 0);
    wait("it is followed", || desk.board.engine().catalog().unwrap().known(&late).unwrap().is_some());
    assert_eq!(world.fake.embedded(), before + 1);
}

#[test]
fn a_folder_that_another_process_indexes_is_left_to_it() {
    let world = slow_world();
    let desk = Desk::at(&world);
    // A catalogue of its own, as another process has.
    let (other, control) = (world.engine(), JobControl::new());
    other.run_job(&mut job(&world), &control, &|_| {}).unwrap();
    assert_eq!(desk.followers(), 0);
    wait("it is looked at afterwards", || desk.followers() > 0);
    wait("nothing is left to do", || desk.board.unfinished().unwrap().is_empty());
    assert_eq!(world.fake.embedded(), usize::from(MANY));
}
