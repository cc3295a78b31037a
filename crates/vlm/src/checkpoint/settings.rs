//! The JSON files beside published weights, read key by key with the defaults that their libraries have.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::VlmError;
use crate::plain_file::{Unread, read_plain};

/// Longest file that is read.
const MOST_BYTES: u64 = 4 << 20;

/// An object in a JSON file.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    path: PathBuf,
    /// Where in the file the object stands, such as `text_config.`; empty for the whole.
    within: String,
    value: Value,
}

impl Settings {
    /// Reads a file; none where there is none.
    ///
    /// # Errors
    /// [`VlmError::Io`] or [`VlmError::BadCheckpoint`].
    pub fn read(path: &Path) -> Result<Option<Self>, VlmError> {
        let bad = |reason: String| VlmError::BadCheckpoint { path: path.into(), reason };
        let bytes = match read_plain(path, MOST_BYTES) {
            Err(Unread::Absent) => return Ok(None),
            bytes => bytes.map_err(|unread| unread.error(path, |_, reason| bad(reason)))?,
        };
        let value: Value = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
        if !value.is_object() {
            return Err(bad("it is no JSON object".into()));
        }
        Ok(Some(Self { path: path.into(), within: String::new(), value }))
    }

    /// The object at a key, an empty one where there is none. Keys that it lacks are looked for at `older`, too.
    pub fn part(&self, key: &str, older: &str) -> Self {
        let object = |key: &str| self.value.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut value = object(older);
        value.extend(object(key).into_iter().filter(|(_, value)| !value.is_null()));
        Self { path: self.path.clone(), within: format!("{}{key}.", self.within), value: Value::Object(value) }
    }

    /// Whether there is something at a key.
    pub fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some_and(|value| !value.is_null())
    }

    /// What is wrong at a key.
    pub fn wrong(&self, key: &str, expected: &str) -> VlmError {
        let found = self.value.get(key).map_or_else(
            || "nothing".into(),
            |value| {
                let text = value.to_string();
                text.chars().take(80).collect::<String>()
            },
        );
        let reason = format!("{}{key}: expected {expected}, found {found}", self.within);
        VlmError::BadCheckpoint { path: self.path.clone(), reason }
    }

    fn get<T>(&self, key: &str, default: T, expected: &str, pick: impl Fn(&Value) -> Option<T>) -> Result<T, VlmError> {
        match self.value.get(key) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => pick(value).ok_or_else(|| self.wrong(key, expected)),
        }
    }

    /// A whole number.
    pub fn size(&self, key: &str, default: usize) -> Result<usize, VlmError> {
        self.get(key, default, "a whole number", |v| v.as_u64().and_then(|v| usize::try_from(v).ok()))
    }

    /// A number.
    pub fn number(&self, key: &str, default: f64) -> Result<f64, VlmError> {
        self.get(key, default, "a number", Value::as_f64)
    }

    /// True or false.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, VlmError> {
        self.get(key, default, "true or false", Value::as_bool)
    }

    /// A word.
    pub fn word(&self, key: &str, default: &str) -> Result<String, VlmError> {
        self.get(key, default.to_owned(), "a word", |v| v.as_str().map(ToOwned::to_owned))
    }

    /// The first of several words.
    pub fn first_word(&self, key: &str) -> Result<Option<String>, VlmError> {
        self.get(key, None, "words", |v| Some(Some(v.as_array()?.first()?.as_str()?.to_owned())))
    }

    /// Three numbers.
    pub fn colour(&self, key: &str, default: [f32; 3]) -> Result<[f32; 3], VlmError> {
        self.get(key, default, "three numbers", |value| {
            let numbers = value.as_array()?.iter().map(|v| v.as_f64().map(|v| v as f32)).collect::<Option<Vec<_>>>()?;
            numbers.try_into().ok()
        })
    }

    /// A size that is a number or an object of numbers: the number, or those at the first of `keys` that are all there.
    pub fn square(&self, key: &str, keys: &[&[&str]]) -> Result<Option<(usize, usize)>, VlmError> {
        let Some(value) = self.value.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
        let whole = |value: &Value| value.as_u64().and_then(|v| usize::try_from(v).ok());
        if let Some(size) = whole(value) {
            return Ok(Some((size, usize::MAX)));
        }
        for (which, keys) in keys.iter().enumerate() {
            let sizes: Vec<usize> = keys.iter().filter_map(|key| whole(value.get(*key)?)).collect();
            if sizes.len() == keys.len() && sizes.windows(2).all(|pair| pair[0] == pair[1]) {
                return Ok(Some((sizes[0], which)));
            }
        }
        Err(self.wrong(key, "the side of a square"))
    }
}
