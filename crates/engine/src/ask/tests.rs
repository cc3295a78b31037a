//! Packs that write, imported into a folder of models, over a library with a fake search model.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sightline_catalog::{Catalog, Overwrite};
use sightline_vlm::Search;

use crate::captions::{CaptionJob, CaptionScope};
use crate::jobs::JobControl;
use crate::model_host::fake::FakeSource;
use crate::models::{ImportJob, ModelState, Purpose, SwitchJob};
use crate::testing::{BLUE, RED, World};
use crate::{Engine, EngineConfig};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A library of two photos with a folder of models.
struct Place {
    world: World,
    models: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let world = World::new();
        world.photo("red.jpg", RED, 0);
        world.photo("blue.jpg", BLUE, 0);
        world.index();
        Self { world, models: tempfile::tempdir().unwrap() }
    }

    fn engine(&self) -> Engine {
        let config = EngineConfig {
            model_dir: root().join("assets/models/home-1"),
            models: Some(self.models.path().into()),
            ..self.world.engine().config().clone()
        };
        let catalog = Catalog::open(&config.library).unwrap();
        Engine::with_model(config, Some(catalog), Arc::new(FakeSource(self.world.fake.clone()))).unwrap()
    }

    /// Imports a checkpoint of a few numbers.
    fn import(&self, name: &str) {
        let folder = root().join("crates/vlm/tests/golden/packs").join(name);
        let mut job = ImportJob::new(&folder, None).unwrap();
        self.engine().run_job(&mut job, &JobControl::new(), &|_| {}).unwrap();
    }

    fn ask(&self, question: &str) -> Result<super::Answered, crate::EngineError> {
        self.engine().ask_file(&self.world.path("red.jpg"), question, |_| ControlFlow::Continue(()))
    }

    /// The models that wrote the photo's captions, the newest first.
    fn authors(&self, photo: &str) -> Vec<String> {
        let id = self.world.search(photo).unwrap().hits[0].photo;
        self.engine().caption_history(id).unwrap().into_iter().filter_map(|row| row.model).collect()
    }
}

#[test]
fn without_a_model_that_answers_one_is_offered_and_with_one_a_photo_is_asked() {
    let place = Place::new();
    let error = place.ask("what is the dog doing?").unwrap_err();
    assert_eq!(error.code(), "no_answerer");
    assert!(error.to_string().contains("sightline model get smolvlm"), "{error}");
    place.import("tiny_questions");
    let answered = place.ask("what is the dog doing?").unwrap();
    assert_eq!(answered.model, "tiny-questions");
    assert!(!answered.text.is_empty() && answered.confidence < 0.0, "{answered:?}");
    let id = place.world.search("red").unwrap().hits[0].photo;
    let of_library = place.engine().ask_photo(id, "what is the dog doing?", |_| ControlFlow::Continue(()));
    assert_eq!(of_library.unwrap(), answered, "a photo of the library is its file");
    assert_eq!(place.ask("  ").unwrap_err().code(), "text_bad");
    let nothing = place.engine().ask_file(Path::new("no such photo.jpg"), "why?", |_| ControlFlow::Continue(()));
    assert!(nothing.is_err());
    // Told word by word, and stopped.
    let mut told = Vec::new();
    let whole = place.engine().ask_file(&place.world.path("red.jpg"), "what is the dog doing?", |so_far| {
        told.push(so_far.to_owned());
        ControlFlow::Continue(())
    });
    assert!(told.len() > 2 && told.last() == Some(&whole.unwrap().text), "{told:?}");
    let mut heard = 0;
    let part = place.engine().ask_file(&place.world.path("red.jpg"), "what is the dog doing?", |_| {
        heard += 1;
        ControlFlow::Break(())
    });
    assert!(heard == 1 && part.unwrap().text.len() < answered.text.len());
}

#[test]
fn a_model_chosen_to_answer_goes_before_the_best_one() {
    let place = Place::new();
    place.import("tiny_questions");
    place.import("tiny_smolvlm");
    assert_eq!(place.ask("what?").unwrap().model, "tiny-questions");
    let engine = place.engine();
    engine.use_model_for("tiny-smolvlm", Purpose::Questions).unwrap();
    assert_eq!(place.ask("what?").unwrap().model, "tiny-smolvlm");
    assert_eq!(engine.setting::<serde_json::Value>("captioner").unwrap(), None, "it was chosen for questions alone");
    engine.use_model_for("home-1", Purpose::Questions).unwrap();
    assert_eq!(place.ask("what?").unwrap().model, "tiny-questions");
    // One that is gone is no choice.
    engine.use_model_for("tiny-smolvlm", Purpose::Questions).unwrap();
    engine.remove_model("tiny-smolvlm").unwrap();
    assert_eq!(place.ask("what?").unwrap().model, "tiny-questions");
}

#[test]
fn a_pack_describes_under_its_own_id_and_the_search_model_stays() {
    let place = Place::new();
    place.import("tiny_captions");
    place.import("tiny_questions");
    let describe = || {
        let mut job = CaptionJob::new(CaptionScope::All, Overwrite::Machine, &Search::default());
        place.engine().run_job(&mut job, &JobControl::new(), &|_| {}).unwrap();
        job.summary.described
    };
    assert_eq!((describe(), place.authors("red")), (2, vec!["fake-1".to_owned()]));
    let engine = place.engine();
    let plan = engine.switch_plan("tiny-captions").unwrap();
    assert_eq!((plan.to_index, plan.already), (0, false));
    let mut switch = SwitchJob::new("tiny-captions");
    engine.run_job(&mut switch, &JobControl::new(), &|_| {}).unwrap();
    let report = switch.summary.unwrap();
    assert!(!report.already);
    assert_eq!(engine.setting::<serde_json::Value>("model").unwrap(), None, "the search model was not touched");
    assert_eq!(describe(), 2);
    assert_eq!(place.authors("red"), [report.id.as_str(), "fake-1"]);
    assert_eq!(describe(), 0, "the same model says the same");
    let list = place.engine().models().unwrap();
    let entry = |name: &str| list.iter().find(|model| model.name == name).unwrap();
    assert_eq!(entry("tiny-captions").purpose, Some(Purpose::Captions));
    assert_eq!(entry("tiny-questions").purpose, Some(Purpose::Questions));
    assert_eq!(entry("home-1").purpose, Some(Purpose::Search));
    assert!(entry("tiny-captions").in_use && !entry("tiny-questions").in_use && entry("home-1").in_use);
    assert!(entry("smolvlm").state == ModelState::Offered && !entry("smolvlm").in_use);
    // It is not taken away from under the library, and not chosen for what it cannot do.
    let code = |result: Result<_, crate::EngineError>| result.map(drop).unwrap_err().code();
    assert_eq!(code(engine.remove_model("tiny-captions").map(|_| ())), "model_in_use");
    assert_eq!(code(engine.use_model_for("tiny-captions", Purpose::Questions).map(|_| ())), "model_purpose");
    assert_eq!(code(engine.use_model_for("nothing", Purpose::Questions).map(|_| ())), "model_not_installed");
    // One that has gone all the same is missed by its name.
    let folder = place.models.path().join("tiny-captions");
    std::fs::rename(&folder, place.models.path().join("away")).unwrap();
    let error = place.engine().describe_file(&place.world.path("red.jpg"), &Search::default(), drop).unwrap_err();
    assert!(error.code() == "model_absent" && error.to_string().contains("--for captions"), "{error}");
    engine.use_model_for("home-1", Purpose::Captions).unwrap();
    assert_eq!((describe(), place.authors("red")[0].as_str()), (2, "fake-1"));
    engine.use_model_for("away", Purpose::Captions).unwrap();
    engine.stop_using("away").unwrap();
    engine.remove_model("away").unwrap();
}
