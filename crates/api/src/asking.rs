//! Questions about a photo, as they cross.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use sightline_engine::PhotoId;
use ts_rs::TS;

use crate::{Desk, ErrorReply};

/// A question about a photo.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct Ask {
    /// The photo.
    pub photo: i64,
    /// What one wants to know.
    pub question: String,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PhotoAnswer {
    /// The answer, or what there was of it when it was stopped; empty where nothing could be said.
    pub text: String,
    /// The model's name.
    pub model: String,
    /// Whether it was stopped, by a person or by another question.
    pub stopped: bool,
}

impl Desk {
    /// Answers a question about a photo; ends one that is being answered.
    pub fn ask(&self, request: Ask) -> Result<PhotoAnswer, ErrorReply> {
        let question = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let is_wanted = || self.asked.load(Ordering::Acquire) == question;
        let on_token = |_: &str| if is_wanted() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        let answered = self.engine.ask_photo(PhotoId(request.photo), &request.question, on_token)?;
        Ok(PhotoAnswer { text: answered.text, model: answered.model, stopped: !is_wanted() })
    }

    /// Ends the answer under way, if there is one.
    pub fn stop_asking(&self, (): ()) -> Result<(), ErrorReply> {
        self.asked.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}
