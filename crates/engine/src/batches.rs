//! Photos in batches to the model: while one batch is computed, the next is gathered.

use sightline_vlm::ModelInput;

use crate::EngineError;
use crate::loading::threads;
use crate::model_host::Ticket;

/// Photos a batch: enough to keep a GPU busy, few enough that a kill loses a second or two, and a
/// multiple of the cores, of which the CPU path gives each its own photos.
pub(crate) fn batch_size() -> usize {
    multiple_of_cores(16)
}

/// The least multiple of the cores that is not below `least`.
pub(crate) fn multiple_of_cores(least: usize) -> usize {
    least.next_multiple_of(threads())
}

/// Gathers inputs, each with what is to become of it, and gives them back with what the model made of them.
pub(crate) struct Batches<'a, T, R, I = ModelInput> {
    ask: Box<dyn Fn(Vec<I>) -> Ticket<Vec<R>> + 'a>,
    size: usize,
    waiting: (Vec<T>, Vec<I>),
    in_flight: Option<(Vec<T>, Ticket<Vec<R>>)>,
}

impl<'a, T, R, I> Batches<'a, T, R, I> {
    /// Batches of `size` photos, each handed to `ask`.
    pub fn new(size: usize, ask: impl Fn(Vec<I>) -> Ticket<Vec<R>> + 'a) -> Self {
        Self { ask: Box::new(ask), size: size.max(1), waiting: (Vec::new(), Vec::new()), in_flight: None }
    }

    /// Adds a photo. When that fills a batch, sends it off and waits for the one before it.
    pub fn push(&mut self, item: T, input: I) -> Result<Vec<(T, R)>, EngineError> {
        self.waiting.0.push(item);
        self.waiting.1.push(input);
        if self.waiting.0.len() < self.size { Ok(Vec::new()) } else { self.send() }
    }

    /// Sends what has been gathered and waits for the batch before it.
    pub fn send(&mut self) -> Result<Vec<(T, R)>, EngineError> {
        let (items, inputs) = std::mem::take(&mut self.waiting);
        let ticket = (self.ask)(inputs);
        settle(self.in_flight.replace((items, ticket)))
    }

    /// Waits for the batch that the model is computing; what has only been gathered stays.
    pub fn settle(&mut self) -> Result<Vec<(T, R)>, EngineError> {
        settle(self.in_flight.take())
    }

    /// Drops what has been gathered and not been sent.
    pub fn drop_waiting(&mut self) {
        self.waiting = (Vec::new(), Vec::new());
    }
}

fn settle<T, R>(in_flight: Option<(Vec<T>, Ticket<Vec<R>>)>) -> Result<Vec<(T, R)>, EngineError> {
    let Some((items, ticket)) = in_flight else { return Ok(Vec::new()) };
    Ok(items.into_iter().zip(ticket.wait()?).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sightline_vlm::DeviceChoice;

    use super::*;
    use crate::model_host::fake::{Fake, FakeSource, tiny_preprocess};
    use crate::model_host::{Lane, ModelHost};

    #[test]
    fn every_photo_comes_back_once_and_in_order() {
        let source = Arc::new(FakeSource(Fake::new()));
        let host = ModelHost::start(source, DeviceChoice::Cpu).unwrap();
        for count in [0, 1, 3, 4, 7, 8, 9] {
            let mut batches = Batches::new(4, |inputs| host.embed_images(Lane::Batch, inputs));
            let mut back = Vec::new();
            for item in 0..count {
                let input = tiny_preprocess().prepare(1, 1, &[9, 9, 9]).unwrap();
                back.extend(batches.push(item, input).unwrap());
            }
            back.extend(batches.send().unwrap());
            back.extend(batches.settle().unwrap());
            assert_eq!(back.iter().map(|(item, _)| *item).collect::<Vec<_>>(), Vec::from_iter(0..count));
        }
    }
}
