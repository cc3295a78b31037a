//! Whether a version's matrices are those that teaching a model makes: every one of them there, of the right shape, and
//! no other.
//!
//! A version may come from anybody. One whose shapes do not fit would end the program in the middle of a product.

use std::collections::BTreeMap;

use super::config::Depth;
use super::deep::CHANGED_BLOCKS;
use super::version::Version;
use crate::nn::bert::BertConfig;
use crate::nn::efficientnet::EfficientNetConfig;
use crate::{ModelInfo, VlmError};

/// Highest rank of a change; teaching uses a tenth of it.
const MOST_RANK: usize = 256;
/// General photos by a deeply taught model at most.
const MOST_BACKGROUND: usize = 100_000;

/// Input and output of each change of rank r, `[input, r]` times `[r, output]`, by name.
pub(super) fn changes(info: &ModelInfo, depth: Depth) -> BTreeMap<String, [usize; 2]> {
    let mut changes = BTreeMap::new();
    match depth {
        Depth::Probe => {}
        Depth::Adapter => {
            changes.insert("image".into(), [info.descriptor_dims(), info.dims]);
            changes.insert("text".into(), [info.dims, info.dims]);
        }
        Depth::Deep => {
            let tower = EfficientNetConfig::new();
            let mut blocks = Vec::new();
            let mut channels = tower.stem_channels;
            for stage in &tower.stages {
                for _ in 0..stage.repeats {
                    blocks.push((channels, stage));
                    channels = stage.channels;
                }
            }
            let first = blocks.len() - CHANGED_BLOCKS;
            for (index, (input, stage)) in blocks.into_iter().enumerate().skip(first) {
                let hidden = input * stage.expand;
                if stage.expand != 1 {
                    changes.insert(format!("blocks.{index}.expand"), [input, hidden]);
                }
                changes.insert(format!("blocks.{index}.project"), [hidden, stage.channels]);
            }
            changes.insert("head".into(), [channels, tower.features]);
            let text = BertConfig::new().width;
            changes.insert("text.query".into(), [text, text]);
            changes.insert("text.value".into(), [text, text]);
            if let Some(decoder) = &info.decoder {
                for index in 0..decoder.layers {
                    changes.insert(format!("decoder.{index}.query"), [decoder.width, decoder.width]);
                    changes.insert(format!("decoder.{index}.value"), [decoder.width, decoder.width]);
                }
            }
        }
    }
    changes
}

impl Version {
    /// Whether the version goes with the model of `info`, in every shape.
    ///
    /// # Errors
    /// [`VlmError::OtherModel`] or [`VlmError::BadVersion`].
    pub fn must_fit(&self, info: &ModelInfo) -> Result<(), VlmError> {
        let base = info.id();
        if self.base() != base {
            return Err(VlmError::OtherModel { expected: base, found: self.base().into() });
        }
        let bad = |reason: String| Err(VlmError::BadVersion { reason });
        let (dims, length, classes) = (info.dims, info.descriptor_dims(), self.labels().len() + 1);
        let mut expected = BTreeMap::from([
            ("classifier.weight".to_owned(), [length, classes]),
            ("classifier.bias".to_owned(), [1, classes]),
        ]);
        for (name, [input, output]) in changes(info, self.depth()) {
            let down = format!("{name}.down");
            let Some([_, rank]) = self.shape(&down) else { return bad(format!("it has no {down}")) };
            if !(1..=MOST_RANK).contains(&rank) {
                return bad(format!("{down} has rank {rank}, expected 1 to {MOST_RANK}"));
            }
            expected.insert(format!("{name}.up"), [rank, output]);
            expected.insert(down, [input, rank]);
        }
        for (name, [rows, columns]) in &expected {
            match self.shape(name) {
                None => return bad(format!("it has no {name}")),
                Some([r, c]) if r != *rows || c != *columns => {
                    return bad(format!("{name} is {r} by {c}, expected {rows} by {columns}"));
                }
                Some(_) => {}
            }
        }
        if let Some(name) = self.names().find(|name| !expected.contains_key(*name)) {
            return bad(format!("it has a {:?}, which this depth does not", short(name)));
        }
        if self.direction_lengths().any(|found| found != dims) {
            return bad(format!("its directions are not of {dims} numbers"));
        }
        if let Some((shared, descriptors)) = self.background() {
            let fits = shared.iter().all(|row| row.as_slice().len() == dims)
                && descriptors.iter().all(|row| row.as_slice().len() == length)
                && (1..=MOST_BACKGROUND).contains(&shared.len())
                && (1..=MOST_BACKGROUND).contains(&descriptors.len());
            if !fits || self.depth() != Depth::Deep {
                return bad("its general photos do not fit the model".into());
            }
        }
        Ok(())
    }
}

fn short(name: &str) -> String {
    name.chars().take(40).collect()
}
