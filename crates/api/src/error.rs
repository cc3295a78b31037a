//! Errors as they cross: a code to act on and a sentence to show.

use serde::Serialize;
use sightline_engine::EngineError;
use ts_rs::TS;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ErrorReply {
    /// A short stable code; the interface acts on it and never on the message.
    pub code: String,
    /// What is wrong and what to do, naming the file.
    pub message: String,
}

impl ErrorReply {
    /// A reply from a code and a sentence.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

impl From<EngineError> for ErrorReply {
    fn from(error: EngineError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
