//! A person's settings, kept in the library as text under a name.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Engine, EngineError};

/// The setting in which the searches that were typed last are, and the place of their list in it.
pub const RECENT_SEARCHES: (&str, &str) = ("desktop", "$.recent_searches");

impl Engine {
    /// A setting, if it was ever set and can still be understood.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn setting<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, EngineError> {
        // What a later release wrote differently counts as not set.
        Ok(self.catalog()?.setting(name)?.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn set_setting<T: Serialize>(&self, name: &str, value: &T) -> Result<(), EngineError> {
        Ok(self.catalog()?.set_setting(name, &text_of(name, value)?)?)
    }
}

/// A setting's value as the library keeps it.
pub(crate) fn text_of<T: Serialize>(name: &str, value: &T) -> Result<String, EngineError> {
    serde_json::to_string(value).map_err(|error| EngineError::BadInput { path: name.into(), reason: error.to_string() })
}
