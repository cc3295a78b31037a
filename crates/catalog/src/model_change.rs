//! Taking another model into use: one transaction, after which every search is answered by the new one.

use crate::tables::setting;
use crate::tables::vector::lacking;
use crate::tables::version;
use crate::{Catalog, CatalogError, ModelKey, PhotoId, VersionId};

/// What changes when another model is taken into use.
#[derive(Debug)]
pub struct ModelChange<'a> {
    /// Settings that say which model it is, by name.
    pub settings: &'a [(&'a str, String)],
    /// The version that is in use, as far as is known: another may have been taken into use meanwhile.
    pub before: Option<VersionId>,
    /// What the new model was taught; none when it is used untaught.
    pub version: Option<VersionId>,
    /// What its vectors lie under.
    pub key: &'a ModelKey,
    /// Photos that may do without a vector, as their files cannot be read; sorted.
    pub passed_over: &'a [PhotoId],
}

impl Catalog {
    /// Takes another model into use if every photo that lies somewhere has its vector, and no other version has been taken
    /// into use meanwhile. Says whether it did: otherwise nothing has changed.
    ///
    /// # Errors
    /// [`CatalogError::VersionGone`], or when the library cannot be written; then nothing has changed.
    pub fn change_model(&self, change: &ModelChange<'_>) -> Result<bool, CatalogError> {
        self.write(|transaction| {
            if version::in_use(transaction)? != change.before {
                return Ok(false);
            }
            let lacking = lacking(transaction, change.key)?;
            if lacking.iter().any(|(photo, _)| change.passed_over.binary_search(photo).is_err()) {
                return Ok(false);
            }
            for (name, value) in change.settings {
                setting::put(transaction, name, value)?;
            }
            version::put_in_use(transaction, change.version)?;
            Ok(true)
        })
    }
}
