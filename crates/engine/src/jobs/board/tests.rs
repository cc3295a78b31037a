//! Whole jobs on a board, with a fake model.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::*;
use crate::testing::{RED, World};

/// Several batches.
const MANY: u8 = 120;

type Heard = Arc<Mutex<Vec<JobStatus>>>;

fn board(world: &World) -> (JobBoard, Heard) {
    let heard = Heard::default();
    let ears = heard.clone();
    (JobBoard::new(world.engine(), Box::new(move |status| ears.lock().unwrap().push(status.clone()))), heard)
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn slow_world(photos: u8) -> World {
    let world = World::new();
    for number in 0..photos {
        world.photo(&format!("{number}.jpg"), RED, number);
    }
    world.fake.delay_ms.store(10, Ordering::SeqCst);
    world
}

fn job(world: &World) -> IndexJob {
    IndexJob::new(&[world.photos()], false).unwrap()
}

#[test]
fn a_job_runs_in_the_background_and_every_change_is_told() {
    let world = slow_world(3);
    let (board, heard) = board(&world);
    let id = board.start(job(&world)).unwrap().id;
    wait("the job ends", || board.status(id).unwrap().state == JobState::Done);
    assert!(board.unfinished().unwrap().is_empty());
    wait("the end is told", || heard.lock().unwrap().last().is_some_and(|status| status.state == JobState::Done));
    let heard = heard.lock().unwrap();
    assert_eq!(heard[0].state, JobState::Queued);
    assert!(heard.iter().any(|status| status.phase == "index" && status.done == 3));
    assert_eq!(world.fake.embedded(), 3);
}

#[test]
fn a_paused_job_waits_for_a_person_and_embeds_nothing_twice() {
    let world = slow_world(MANY);
    let (first, _) = board(&world);
    let id = first.start(job(&world)).unwrap().id;
    wait("some are embedded", || world.fake.embedded() > 4);
    first.pause(id).unwrap();
    wait("it pauses", || first.status(id).unwrap().state == JobState::Paused);
    assert!(world.fake.embedded() < usize::from(MANY));
    let (next_start, _) = board(&world);
    next_start.resume_interrupted().unwrap();
    assert_eq!(next_start.status(id).unwrap().state, JobState::Paused, "a person paused it");
    next_start.resume(id).unwrap();
    wait("it ends", || next_start.unfinished().unwrap().is_empty());
    assert_eq!(world.fake.embedded(), usize::from(MANY));
}

#[test]
fn a_job_stopped_by_the_end_of_the_app_goes_on_at_the_next_start() {
    let world = slow_world(MANY);
    let (first, _) = board(&world);
    let id = first.start(job(&world)).unwrap().id;
    wait("some are embedded", || world.fake.embedded() > 4);
    first.stop_all();
    assert_eq!(first.status(id).unwrap().state, JobState::Paused);
    let (next_start, _) = board(&world);
    next_start.resume_interrupted().unwrap();
    wait("it ends", || next_start.unfinished().unwrap().is_empty());
    assert_eq!(world.fake.embedded(), usize::from(MANY));
}

#[test]
fn a_job_that_goes_on_counts_all_photos_and_never_runs_backwards() {
    let world = slow_world(MANY);
    world.fake.delay_ms.store(20, Ordering::SeqCst);
    let (board, heard) = board(&world);
    let id = board.start(job(&world)).unwrap().id;
    let mut seen = 0;
    for _ in 0..2 {
        let more = world.fake.embedded() + 4;
        wait("some are embedded", || world.fake.embedded() > more);
        board.pause(id).unwrap();
        wait("it pauses", || board.unfinished().unwrap().iter().all(|job| job.state == JobState::Paused));
        let paused = board.status(id).unwrap();
        assert_eq!(paused.total, u64::from(MANY));
        assert!(paused.done > seen, "{} after {seen}", paused.done);
        seen = paused.done;
        // As another start of the app would show it, too.
        let row = world.engine().catalog().unwrap().job(JobId(id)).unwrap().unwrap();
        assert_eq!((row.done, row.total), (seen, u64::from(MANY)));
        board.resume(id).unwrap();
    }
    wait("it ends", || board.unfinished().unwrap().is_empty());
    let heard = heard.lock().unwrap();
    let counted = heard.iter().skip_while(|status| status.total == 0);
    let shares: Vec<(u64, u64)> = counted.map(|status| (status.done, status.total)).collect();
    assert!(shares.is_sorted() && shares.iter().all(|(_, total)| *total == u64::from(MANY)), "{shares:?}");
    assert_eq!(shares.last().unwrap().0, u64::from(MANY));
    assert_eq!(world.fake.embedded(), usize::from(MANY));
}

#[test]
fn the_same_work_asked_for_twice_is_one_job() {
    let world = slow_world(MANY);
    let (board, _) = board(&world);
    let first = board.start(job(&world)).unwrap().id;
    assert_eq!(board.start(job(&world)).unwrap().id, first);
    assert_eq!(board.resume(first).unwrap().id, first);
    wait("some are embedded", || world.fake.embedded() > 4);
    assert_eq!(board.unfinished().unwrap().len(), 1);
    board.cancel(first).unwrap();
    assert_ne!(board.start(job(&world)).unwrap().id, first, "one that is being stopped is begun anew");
    wait("both end", || board.unfinished().unwrap().is_empty());
    assert_eq!(world.fake.embedded(), usize::from(MANY));
}

/// Panics at its first look.
#[derive(serde::Serialize, serde::Deserialize)]
struct Panics(f64);

impl Job for Panics {
    const KIND: &'static str = "panics";

    fn check(&self) -> Result<(), EngineError> {
        let value = self.0.to_string();
        if self.0 < 0.0 { Err(EngineError::SettingWrong { name: "it", value, allowed: "above 0" }) } else { Ok(()) }
    }

    fn run(&mut self, _: &crate::jobs::JobCx<'_>) -> Result<(), EngineError> {
        panic!("a matrix of the wrong height")
    }
}

#[test]
fn a_job_that_panics_has_failed_and_is_not_run_again_at_the_next_start() {
    let world = World::new();
    let (first, heard) = board(&world);
    let id = first.start(Panics(1.0)).unwrap().id;
    wait("it ends", || first.unfinished().unwrap().is_empty());
    let failed = JobState::Failed { code: "job_panicked".into() };
    wait("it is told", || heard.lock().unwrap().last().is_some_and(|status| status.state == failed));
    let message = heard.lock().unwrap().last().unwrap().message.clone().unwrap();
    assert!(message.contains("a matrix of the wrong height"), "{message}");
    assert_eq!(first.status(id).unwrap().state, failed);
    let (next_start, heard) = board(&world);
    next_start.resume_interrupted().unwrap();
    assert!(heard.lock().unwrap().is_empty() && next_start.unfinished().unwrap().is_empty());
    assert_eq!(first.run(&mut Panics(1.0)).unwrap_err().code(), "job_panicked", "on this thread, too");
}

#[test]
fn what_makes_no_sense_leaves_no_row() {
    let world = World::new();
    let (board, _) = board(&world);
    assert_eq!(board.start(Panics(-1.0)).unwrap_err().code(), "setting_wrong");
    assert!(world.engine().catalog().unwrap().jobs().unwrap().is_empty());
}

#[test]
fn two_presses_of_resume_leave_the_running_job_its_handle() {
    let world = slow_world(MANY);
    let (board, _) = board(&world);
    let id = board.start(job(&world)).unwrap().id;
    wait("some are embedded", || world.fake.embedded() > 4);
    board.pause(id).unwrap();
    wait("it pauses", || board.unfinished().unwrap().iter().all(|job| job.state == JobState::Paused));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(board.resume(id).unwrap().id, id));
        }
    });
    let before = world.fake.embedded();
    wait("it goes on", || world.fake.embedded() > before);
    board.cancel(id).unwrap();
    wait("it can still be stopped", || board.status(id).unwrap().state == JobState::Cancelled);
    assert!(world.fake.embedded() < usize::from(MANY));
}

#[test]
fn another_process_pauses_and_stops_a_job_by_its_row() {
    let world = slow_world(MANY);
    world.fake.delay_ms.store(40, Ordering::SeqCst);
    // A board over a catalogue of its own, as another process has.
    let ((runs, _), (asks, _)) = (board(&world), board(&world));
    let id = runs.start(job(&world)).unwrap().id;
    wait("some are embedded", || world.fake.embedded() > 4);
    assert_eq!(asks.resume(id).unwrap_err().code(), "job_running");
    asks.pause(id).unwrap();
    wait("it pauses", || !world.engine().catalog().unwrap().is_job_alive(JobId(id)));
    assert_eq!(runs.status(id).unwrap().state, JobState::Paused);
    let paused = world.fake.embedded();
    assert!(paused < usize::from(MANY));
    asks.resume(id).unwrap();
    wait("it goes on there", || world.fake.embedded() > paused);
    runs.cancel(id).unwrap();
    wait("it stops", || !world.engine().catalog().unwrap().is_job_alive(JobId(id)));
    assert_eq!(asks.status(id).unwrap().state, JobState::Cancelled);
    assert!(world.fake.embedded() < usize::from(MANY));
}

#[test]
fn a_job_says_which_process_it_waits_for_and_begins_when_that_is_done() {
    let world = slow_world(2);
    let (board, heard) = board(&world);
    // As another process does: a turn is a lock on a file.
    let other = sightline_catalog::Catalog::open(world.engine().library()).unwrap();
    let turn = other.take_turn(IndexJob::KIND).unwrap().unwrap();
    let id = board.start(job(&world)).unwrap().id;
    let this = Some(Some(std::process::id()));
    wait("it says whom it waits for", || board.status(id).unwrap().waits_for == this);
    assert_eq!(world.fake.embedded(), 0);
    drop(turn);
    wait("it ends", || board.unfinished().unwrap().is_empty());
    assert_eq!((board.status(id).unwrap().waits_for, world.fake.embedded()), (None, 2));
    let heard = heard.lock().unwrap();
    assert!(heard.iter().any(|status| status.waits_for == this));
    assert!(heard.iter().any(|status| status.waits_for.is_none() && status.state == JobState::Running));
}

#[test]
fn a_cancelled_job_is_over_also_when_it_was_waiting() {
    let world = slow_world(MANY);
    let (board, _) = board(&world);
    let running = board.start(job(&world)).unwrap().id;
    let mut other = job(&world);
    other = serde_json::from_str(&serde_json::to_string(&other).unwrap().replace("false", "true")).unwrap();
    let waiting = board.start(other).unwrap().id;
    assert_ne!(running, waiting);
    board.cancel(waiting).unwrap();
    board.cancel(running).unwrap();
    wait("both end", || board.unfinished().unwrap().is_empty());
    assert_eq!(board.status(waiting).unwrap().state, JobState::Cancelled);
    assert_eq!(board.status(running).unwrap().state, JobState::Cancelled);
    assert_eq!(board.cancel(99).unwrap_err().code(), "job_unknown");
}
