//! What is to be learned.

use crate::{Embedding, PhotoVectors};

/// Labelled photos, with the sentences that tell of them.
#[derive(Debug, Clone, Default)]
pub struct Lesson {
    /// Names of the labels.
    pub labels: Vec<String>,
    /// Photos to learn from.
    pub train: Vec<Example>,
    /// Photos that watch over the training, and end it when they are told no better.
    pub watch: Vec<Example>,
    /// Sentences that examples and labels refer to.
    pub sentences: Vec<String>,
    /// Their embeddings by the untaught model.
    pub sentence_vectors: Vec<Embedding>,
    /// By label, the sentences that name it, as indices.
    pub label_sentences: Vec<Vec<usize>>,
}

/// A photo to learn from.
#[derive(Debug, Clone)]
pub struct Example {
    /// What the untaught model makes of it.
    pub vectors: PhotoVectors,
    /// Its label by index; none for a photo that is known to be of no label.
    pub label: Option<usize>,
    /// Sentences that a person wrote of it, as indices.
    pub sentences: Vec<usize>,
}
