//! Captions: a decoder that reads a photo and writes a sentence.
//!
//! [`Captioner`] is the loaded decoder with its vocabulary; strings come out, no tensor leaves the crate. It
//! knows nothing of files but the two it is loaded from.

mod captioner;
pub(crate) mod decoder;
pub(crate) mod generate;
mod grammar;
pub(crate) mod vocabulary;

pub use captioner::{CAPTION_FILES, Caption, CaptionWord, Captioner, Described};
pub use decoder::DecoderConfig;
pub use generate::{Sampling, Search};
pub use vocabulary::{Vocabulary, cleaned, polished};
