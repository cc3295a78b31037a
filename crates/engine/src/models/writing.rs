//! Which of the models here describe photos and answer questions, and which of them a library uses.
//!
//! The search model is chosen apart ([`super::choice`]); neither choice touches the other.

use std::path::PathBuf;

use sightline_catalog::Catalog;
use sightline_vlm::packs::Purpose;
use sightline_vlm::{ModelInfo, Preprocess};

use super::choice::Choice;
use super::{ModelStore, ModelsError, SwitchPlan, known, whole};
use crate::{Engine, EngineConfig, EngineError};

/// The settings in which a library keeps its choices.
const CAPTIONER: &str = "captioner";
const ANSWERER: &str = "answerer";

/// What a model is used for from now on that describes or answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WritingUse {
    /// The model's name.
    pub name: String,
    /// What tells its captions from another's.
    pub id: String,
    /// Whether the library used it before.
    pub already: bool,
    /// What for: `captions` or `questions`.
    pub purposes: Vec<&'static str>,
}

/// A model on this computer that writes about photos.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WritingPack {
    pub name: String,
    pub folder: PathBuf,
    /// Whether its captions are told from another's by this.
    pub id: String,
    pub preprocess: Preprocess,
    pub purpose: Purpose,
}

impl WritingPack {
    fn of(name: &str, folder: PathBuf, info: &ModelInfo) -> Option<Self> {
        let purpose = info.purpose();
        let pack =
            || Self { name: name.into(), folder, id: info.caption_id(), preprocess: info.preprocess.clone(), purpose };
        (purpose != Purpose::Search).then(pack)
    }
}

/// Those that are here, those that were published first in that order.
fn here(config: &EngineConfig) -> Result<Vec<WritingPack>, EngineError> {
    let Some(store) = config.models.as_ref().map(ModelStore::new) else { return Ok(Vec::new()) };
    let published: Vec<String> = known()?.into_iter().map(|pack| pack.name).collect();
    let place = |name: &str| published.iter().position(|known| known == name).unwrap_or(usize::MAX);
    let mut names = store.names();
    names.sort_by_key(|name| place(name));
    // What is broken is shown by the list of models.
    let packs = names.iter().filter_map(|name| {
        let folder = store.pack(name);
        let info = whole(&folder).ok()?;
        WritingPack::of(name, folder, &info)
    });
    Ok(packs.collect())
}

fn choice(catalog: Option<&Catalog>, setting: &str) -> Result<Option<String>, EngineError> {
    let Some(catalog) = catalog else { return Ok(None) };
    Ok(Choice::read(catalog, setting)?.map(|choice| choice.name))
}

/// The names of the packs that were chosen to describe and to answer for a library.
pub(super) fn in_use(
    config: &EngineConfig,
    catalog: Option<&Catalog>,
) -> Result<(Option<String>, Option<String>), EngineError> {
    if config.models.is_none() {
        return Ok((None, None));
    }
    Ok((choice(catalog, CAPTIONER)?, choice(catalog, ANSWERER)?))
}

/// The pack that answers: the one that was chosen, or else the best that is here.
fn answerer(config: &EngineConfig, catalog: Option<&Catalog>) -> Result<Option<WritingPack>, EngineError> {
    let chosen = choice(catalog, ANSWERER)?;
    let mut packs: Vec<WritingPack> = here(config)?.into_iter().filter(|pack| pack.purpose.answers()).collect();
    let at = packs.iter().position(|pack| Some(&pack.name) == chosen.as_ref()).unwrap_or(0);
    Ok((at < packs.len()).then(|| packs.swap_remove(at)))
}

impl Engine {
    /// The pack that answers questions for this library.
    ///
    /// # Errors
    /// [`ModelsError::NoAnswerer`] with the one to get.
    pub(crate) fn answerer(&self) -> Result<WritingPack, EngineError> {
        if let Some(pack) = answerer(self.config(), self.catalog().ok())? {
            return Ok(pack);
        }
        let packs = known()?.into_iter().filter(|pack| pack.offered && pack.purpose.answers());
        let offer = packs.min_by_key(|pack| pack.bytes()).and_then(|pack| {
            let (bytes, licence) = (pack.bytes(), pack.licence?.name);
            Some((pack.name, bytes, licence))
        });
        Err(ModelsError::NoAnswerer { offer }.into())
    }

    /// Whether the library has chosen a pack to describe photos.
    pub fn has_captioner(&self) -> bool {
        self.config().models.is_some() && choice(self.catalog().ok(), CAPTIONER).is_ok_and(|name| name.is_some())
    }

    /// The pack that was chosen to describe photos; none where the model in use does.
    ///
    /// # Errors
    /// [`ModelsError::NoCaptioner`] where the library has chosen one that is not here.
    pub(crate) fn captioner(&self) -> Result<Option<WritingPack>, EngineError> {
        let Some(models) = &self.config().models else { return Ok(None) };
        let Some(name) = choice(self.catalog().ok(), CAPTIONER)? else { return Ok(None) };
        let folder = ModelStore::new(models).pack(&name);
        let pack = whole(&folder).ok().and_then(|info| WritingPack::of(&name, folder.clone(), &info));
        if pack.is_some() {
            return Ok(pack);
        }
        let bundled = ModelInfo::read(&self.config().model_dir)?.name;
        Err(ModelsError::NoCaptioner { name, folder, bundled }.into())
    }

    /// Has the library use a pack that writes for all that it is for, if `name` is one; its search model stays. The pack is
    /// first held against its checksums.
    ///
    /// # Errors
    /// [`ModelsError::Broken`], or when the library cannot be written.
    pub fn use_writing(&self, name: &str) -> Result<Option<WritingUse>, EngineError> {
        let Some(pack) = here(self.config())?.into_iter().find(|pack| pack.name == name) else { return Ok(None) };
        Ok(Some(self.use_pack(pack, |_| true)?))
    }

    /// Has the library use a model for one purpose. The bundled model describes photos, and nobody is chosen to answer,
    /// where its name is given.
    ///
    /// # Errors
    /// [`ModelsError::NotInstalled`], [`ModelsError::Broken`], or [`ModelsError::OtherPurpose`] for a model that is not for
    /// that.
    pub fn use_model_for(&self, name: &str, purpose: Purpose) -> Result<WritingUse, EngineError> {
        let (setting, word) = match purpose {
            Purpose::Captions => (CAPTIONER, "captions"),
            Purpose::Questions => (ANSWERER, "questions"),
            Purpose::Search | Purpose::CaptionsAndQuestions => {
                let used = self.use_writing(name)?;
                return used.ok_or_else(|| ModelsError::OtherPurpose { name: name.into(), purpose: "captions" }.into());
            }
        };
        let bundled = ModelInfo::read(&self.config().model_dir)?;
        if bundled.name == name {
            let already = choice(Some(self.catalog()?), setting)?.is_none();
            self.set_setting(setting, &None::<Choice>)?;
            return Ok(WritingUse { name: name.into(), id: bundled.caption_id(), already, purposes: vec![word] });
        }
        let pack = here(self.config())?.into_iter().find(|pack| pack.name == name);
        let fits = |pack: &WritingPack| match purpose {
            Purpose::Captions => pack.purpose.captions(),
            _ => pack.purpose.answers(),
        };
        match pack {
            Some(pack) if fits(&pack) => self.use_pack(pack, |of| of == setting),
            _ if self.model_store()?.pack(name).is_dir() => {
                Err(ModelsError::OtherPurpose { name: name.into(), purpose: word }.into())
            }
            _ => Err(ModelsError::NotInstalled { name: name.into() }.into()),
        }
    }

    /// Fails for a pack that describes or answers, and cannot search.
    ///
    /// # Errors
    /// [`ModelsError::OtherPurpose`].
    pub fn must_search(&self, name: &str) -> Result<(), EngineError> {
        match here(self.config())?.iter().any(|pack| pack.name == name) {
            true => Err(ModelsError::OtherPurpose { name: name.into(), purpose: "search" }.into()),
            false => Ok(()),
        }
    }

    /// Has the library use a pack that describes or answers no more: the bundled model describes, and the best that is here
    /// answers.
    ///
    /// # Errors
    /// When the library cannot be written.
    pub fn stop_using(&self, name: &str) -> Result<(), EngineError> {
        for setting in [CAPTIONER, ANSWERER] {
            if choice(Some(self.catalog()?), setting)?.as_deref() == Some(name) {
                self.set_setting(setting, &None::<Choice>)?;
            }
        }
        Ok(())
    }

    /// What it takes to use a pack that describes or answers: nothing; none for another model.
    pub(super) fn writing_plan(&self, name: &str) -> Result<Option<SwitchPlan>, EngineError> {
        let Some(pack) = here(self.config())?.into_iter().find(|pack| pack.name == name) else { return Ok(None) };
        let used = in_use(self.config(), self.catalog().ok())?;
        let uses = |chosen: &Option<String>, fits: bool| !fits || chosen.as_deref() == Some(name);
        Ok(Some(SwitchPlan {
            name: name.into(),
            already: uses(&used.0, pack.purpose.captions()) && uses(&used.1, pack.purpose.answers()),
            photos: self.catalog()?.status()?.photos,
            to_index: 0,
            photos_per_second: None,
            seconds: None,
            bytes: 0,
            labels: Vec::new(),
        }))
    }

    fn use_pack(&self, pack: WritingPack, wanted: impl Fn(&str) -> bool) -> Result<WritingUse, EngineError> {
        let verified = ModelInfo::read(&pack.folder).and_then(|info| info.verify(&pack.folder));
        verified.map_err(|error| ModelsError::Broken { name: pack.name.clone(), reason: error.to_string() })?;
        let choice = Some(Choice { name: pack.name.clone(), id: pack.id.clone() });
        let (mut already, mut purposes) = (true, Vec::new());
        let uses = [(CAPTIONER, "captions", pack.purpose.captions()), (ANSWERER, "questions", pack.purpose.answers())];
        for (setting, word, _) in uses.into_iter().filter(|(setting, _, fits)| *fits && wanted(setting)) {
            purposes.push(word);
            already &= self::choice(Some(self.catalog()?), setting)?.as_ref() == Some(&pack.name);
            self.set_setting(setting, &choice)?;
        }
        Ok(WritingUse { name: pack.name, id: pack.id, already, purposes })
    }
}
