//! Progress as a person wants it: how much is done, how fast it goes, how long it will take.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The rate is taken over this much of the past, so that it follows a change of pace.
const WINDOW: Duration = Duration::from_secs(10);
/// Samples of the window are at least this far apart, which bounds their number.
const SAMPLE_EVERY: Duration = Duration::from_millis(200);
/// Events are at least this far apart: at most ten a second.
const EVENT_EVERY: Duration = Duration::from_millis(100);
/// The job's row is written at most this often; each write waits for the disk.
const ROW_EVERY: Duration = Duration::from_secs(2);

/// How far a job has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What the job is doing now, a word such as `scan` or `embed`.
    pub phase: &'static str,
    /// Items finished in this phase.
    pub done: u64,
    /// Items in this phase; 0 while it is not known.
    pub total: u64,
    /// Items a second over the last ten seconds.
    pub rate: f64,
    /// Seconds to the end of the phase, once there is a rate to tell it from.
    pub eta_seconds: Option<f64>,
    /// The file last worked on.
    pub current: Option<PathBuf>,
}

/// What is due after a call to [`Meter::tick`].
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub event: Option<Progress>,
    pub row: bool,
}

/// Turns a stream of counts into progress; time is passed in.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    phase: &'static str,
    samples: VecDeque<(Duration, u64)>,
    last_event: Option<Duration>,
    last_row: Option<Duration>,
}

impl Meter {
    /// Takes a count at `now` (since the job began) and says what is due: a phase's first and
    /// last counts always are.
    pub fn tick(&mut self, now: Duration, phase: &'static str, done: u64, total: u64, current: Option<&Path>) -> Due {
        let new_phase = phase != self.phase;
        if new_phase {
            self.phase = phase;
            self.samples.clear();
        }
        let apart = self.samples.back().is_none_or(|(at, _)| now >= *at + SAMPLE_EVERY);
        if apart {
            self.samples.push_back((now, done));
        }
        while self.samples.len() > 2 && self.samples[1].0 + WINDOW <= now {
            self.samples.pop_front();
        }
        let finished = total > 0 && done >= total;
        let due = |last: Option<Duration>, every| new_phase || finished || last.is_none_or(|at| now >= at + every);
        let row = due(self.last_row, ROW_EVERY);
        if row {
            self.last_row = Some(now);
        }
        if !due(self.last_event, EVENT_EVERY) {
            return Due { event: None, row };
        }
        self.last_event = Some(now);
        let rate = self.rate(now, done);
        let left = total.saturating_sub(done) as f64;
        let eta_seconds = (total > 0 && rate > 0.0).then(|| left / rate);
        let current = current.map(Path::to_path_buf);
        Due { event: Some(Progress { phase, done, total, rate, eta_seconds, current }), row }
    }

    fn rate(&self, now: Duration, done: u64) -> f64 {
        let Some((since, from)) = self.samples.front() else { return 0.0 };
        let seconds = now.saturating_sub(*since).as_secs_f64();
        if seconds < 0.05 { 0.0 } else { done.saturating_sub(*from) as f64 / seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn events_come_at_most_ten_a_second_but_the_last_one_always() {
        let mut meter = Meter::default();
        let mut events = 0;
        for at in 0..1000 {
            events += usize::from(meter.tick(ms(at), "embed", at, 1000, None).event.is_some());
        }
        assert!((9..=11).contains(&events), "{events}");
        assert!(meter.tick(ms(1000), "embed", 1000, 1000, None).event.is_some());
    }

    #[test]
    fn the_rate_and_the_remaining_time_follow_the_last_ten_seconds() {
        let mut meter = Meter::default();
        for at in 0..100 {
            meter.tick(ms(at * 1000), "embed", at, 10_000, None); // 1 a second
        }
        for at in 0..200 {
            meter.tick(ms(100_000 + at * 100), "embed", 100 + at, 10_000, None); // 10 a second
        }
        let due = meter.tick(ms(120_000), "embed", 300, 10_000, Some(Path::new("a.jpg")));
        let progress = due.event.unwrap();
        assert!((progress.rate - 10.0).abs() < 0.5, "{}", progress.rate);
        assert!((progress.eta_seconds.unwrap() - 970.0).abs() < 50.0);
        assert_eq!(progress.current.as_deref(), Some(Path::new("a.jpg")));
    }

    #[test]
    fn an_unknown_total_gives_no_remaining_time() {
        let mut meter = Meter::default();
        meter.tick(ms(0), "scan", 0, 0, None);
        let due = meter.tick(ms(1000), "scan", 500, 0, None);
        assert_eq!(due.event.unwrap().eta_seconds, None);
    }
}
