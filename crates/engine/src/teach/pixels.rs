//! Photos one after the other, read by several threads, of which only a few are held at a time.

use std::collections::VecDeque;

use crate::EngineError;
use crate::jobs::JobCx;
use crate::loading::work_ahead;

/// What `load` makes of items, in their order: so many are read ahead, and no more are held.
pub(super) struct InOrder<'a, 'b, T, F, R> {
    cx: &'a JobCx<'b>,
    rest: std::vec::IntoIter<T>,
    load: F,
    ahead: usize,
    ready: VecDeque<R>,
}

impl<'a, 'b, T: Send, F: Fn(T) -> R + Sync, R: Send> InOrder<'a, 'b, T, F, R> {
    /// Nothing is read before it is asked for.
    pub fn new(cx: &'a JobCx<'b>, items: Vec<T>, ahead: usize, load: F) -> Self {
        Self { cx, rest: items.into_iter(), load, ahead: ahead.max(1), ready: VecDeque::new() }
    }

    /// The next one; none after the last.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`].
    pub fn next(&mut self) -> Result<Option<R>, EngineError> {
        if self.ready.is_empty() {
            let items: Vec<(usize, T)> = self.rest.by_ref().take(self.ahead).enumerate().collect();
            let mut read: Vec<Option<R>> = items.iter().map(|_| None).collect();
            let load = |(place, item)| (place, (self.load)(item));
            work_ahead(self.cx, items, self.ahead, load, |(place, made)| {
                read[place] = Some(made);
                Ok(())
            })?;
            self.ready.extend(read.into_iter().flatten());
        }
        Ok(self.ready.pop_front())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::testing::World;

    /// Counts itself while it lives.
    struct Pixels<'a>(usize, &'a AtomicUsize);

    impl<'a> Pixels<'a> {
        fn of(photo: usize, held: &'a AtomicUsize, most: &AtomicUsize) -> Self {
            most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            Self(photo, held)
        }
    }

    impl Drop for Pixels<'_> {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn of_many_photos_few_are_held_at_a_time_and_they_come_in_order() {
        let world = World::new();
        let engine = world.engine();
        let cx = JobCx::without_row(&engine, &world.control, &|_| {});
        for count in [0, 1, 15, 16, 17, 1000] {
            let (held, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let load = |photo| Pixels::of(photo, &held, &most);
            let mut photos = InOrder::new(&cx, (0..count).collect(), 16, load);
            for expected in 0..count {
                assert_eq!(photos.next().unwrap().unwrap().0, expected);
            }
            assert!(photos.next().unwrap().is_none());
            // Those of one reading, and the one in hand while it goes.
            assert!(most.load(Ordering::SeqCst) <= 16.min(count), "{count} photos, {most:?} held");
            drop(photos);
            assert_eq!(held.into_inner(), 0);
        }
    }

    #[test]
    fn a_stop_ends_the_reading() {
        let world = World::new();
        let engine = world.engine();
        let cx = JobCx::without_row(&engine, &world.control, &|_| {});
        let mut photos = InOrder::new(&cx, (0..100).collect(), 4, |photo: usize| photo);
        assert_eq!(photos.next().unwrap(), Some(0));
        world.control.cancel();
        let rest = (0..100).find_map(|_| photos.next().err());
        assert!(matches!(rest, Some(EngineError::Cancelled)));
    }
}
