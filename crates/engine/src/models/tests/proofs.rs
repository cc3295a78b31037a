//! Models that are tried on this computer before they are used.

use std::path::{Path, PathBuf};

use sightline_vlm::Model;

use super::memorising::{memorising, repository};
use crate::jobs::{JobControl, JobEvent};
use crate::models::{Fault, ImportJob, ImportSummary, Language, SwitchJob};
use crate::{DeviceChoice, Engine, EngineConfig, EngineError};

fn engine(dir: &Path, device: DeviceChoice) -> Engine {
    let config = EngineConfig {
        library: dir.join("library"),
        model_dir: repository().join("assets/models/home-1"),
        models: Some(dir.join("models")),
        device,
        decoder: None,
        settings: Some(dir.join("settings")),
    };
    Engine::open(config).unwrap()
}

fn import(engine: &Engine, folder: &Path, name: &str) -> Result<ImportSummary, EngineError> {
    let mut job = ImportJob::new(folder, Some(name))?;
    engine.run_job(&mut job, &JobControl::new(), &|_| {})?;
    Ok(job.summary.unwrap())
}

/// Takes a model into use; gives its id.
fn switch(engine: &Engine, name: &str) -> Result<String, EngineError> {
    let mut job = SwitchJob::new(name);
    engine.run_job(&mut job, &JobControl::new(), &|_| {})?;
    Ok(job.summary.unwrap().id)
}

/// A copy of the checkpoint whose numbers of one tensor are changed.
fn changed(dir: &Path, tensor: &str, change: impl Fn(&mut [[u8; 4]])) -> PathBuf {
    let folder = dir.join(format!("changed-{}", tensor.replace('.', "-")));
    std::fs::create_dir(&folder).unwrap();
    for entry in std::fs::read_dir(memorising()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    let path = folder.join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let head = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..head]).unwrap();
    let [from, to] = [0, 1].map(|end| header[tensor]["data_offsets"][end].as_u64().unwrap() as usize);
    change(bytes[head + from..head + to].as_chunks_mut::<4>().0);
    std::fs::write(path, bytes).unwrap();
    folder
}

#[test]
fn a_model_that_finds_the_sample_photos_by_their_sentences_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), DeviceChoice::Cpu);
    let proof = import(&engine, &memorising(), "knows").unwrap().proof.unwrap();
    println!("{proof:?}");
    let firsts = proof.firsts.unwrap();
    assert_eq!((firsts.right, firsts.of, firsts.language), (20, 20, Language::English));
    let bundled = firsts.bundled.unwrap();
    assert!((15..=20).contains(&bundled), "the bundled model finds {bundled}");
    assert!(proof.photos && proof.gpu.is_none() && proof.failed.is_none());
    assert!(proof.halves.unwrap().lowest() > 0.999 && proof.eight.is_some());
    assert_eq!(engine.fault_of("knows", &proof), None);
    // It is kept, shown, and no part of the model.
    let models = engine.models().unwrap();
    let entry = models.iter().find(|model| model.name == "knows").unwrap();
    assert_eq!(entry.proof.as_ref(), Some(&proof));
    engine.verify_model("knows").unwrap();
    assert_eq!(switch(&engine, "knows").unwrap(), proof.id);
    // Once more, and it is the same.
    assert_eq!(engine.prove_model("knows", &JobControl::new(), &|_| {}).unwrap().unwrap(), proof);
    // Searches compute with bytes because of it.
    let folder = engine.model_store().unwrap().pack("knows");
    let parrot = || Model::load(&folder, DeviceChoice::Cpu).unwrap().embed_texts(&["a red parrot"]).unwrap().remove(0);
    let eight = parrot();
    std::fs::remove_file(folder.join("proof.json")).unwrap();
    let float = parrot();
    assert!(eight.as_slice() != float.as_slice() && eight.dot(&float) > 0.99, "{}", eight.dot(&float));
    let own = engine.prove_model("home-1", &JobControl::new(), &|_| {}).unwrap().unwrap();
    assert_eq!((own.firsts.unwrap().right, own.halves), (bundled, None));
}

#[test]
fn weights_that_make_no_sense_are_not_used_and_it_is_said_that_it_is_they() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), DeviceChoice::Cpu);
    // The numbers are those of the checkpoint, in another order.
    let folder = changed(dir.path(), "text_projection.weight", |numbers| numbers.reverse());
    let proof = import(&engine, &folder, "muddled").unwrap().proof.unwrap();
    let Some(Fault::Weights { right, of: 20 }) = proof.fault(DeviceChoice::Auto) else { panic!("{proof:?}") };
    assert!(right < 5, "{right}");
    let before = engine.status().unwrap().model;
    let error = switch(&engine, "muddled").unwrap_err();
    assert_eq!(error.code(), "model_unproven");
    let said = error.to_string();
    assert!(said.contains("it is the weights, not this computer") && said.contains("model remove muddled"), "{said}");
    assert_eq!(engine.status().unwrap().model, before);
    // So are weights of which half precision keeps nothing but noise: numbers below its smallest.
    let folder = changed(dir.path(), "vision_model.embeddings.patch_embedding.weight", |numbers| {
        numbers.iter_mut().for_each(|n| *n = (f32::from_le_bytes(*n) * 1e-7).to_le_bytes());
    });
    let proof = import(&engine, &folder, "faint").unwrap().proof.unwrap();
    assert!(proof.fault(DeviceChoice::Cpu).is_some(), "{proof:?}");
    assert_eq!(engine.switch_plan("faint").unwrap_err().code(), "model_unproven");
}

#[test]
fn a_proof_that_was_stopped_is_made_up_for_before_the_model_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), DeviceChoice::Cpu);
    let mut job = ImportJob::new(&memorising(), Some("knows")).unwrap();
    let control = JobControl::new();
    let stop = |event| match event {
        JobEvent::Progress(progress) if progress.phase == "prove" => control.cancel(),
        _ => {}
    };
    assert_eq!(engine.run_job(&mut job, &control, &stop).unwrap_err().code(), "cancelled");
    let models = engine.models().unwrap();
    let entry = models.iter().find(|model| model.name == "knows").unwrap();
    assert!(entry.proof.is_none(), "{entry:?}");
    switch(&engine, "knows").unwrap();
    assert!(engine.models().unwrap().iter().any(|model| model.proof.is_some()));
}

#[test]
fn without_sample_photos_only_what_needs_none_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let bundled = dir.path().join("elsewhere/home-1");
    std::fs::create_dir_all(&bundled).unwrap();
    for entry in std::fs::read_dir(repository().join("assets/models/home-1")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, bundled.join(path.file_name().unwrap())).unwrap();
    }
    let config = EngineConfig { model_dir: bundled, ..engine(dir.path(), DeviceChoice::Cpu).config().clone() };
    let engine = Engine::open(config).unwrap();
    let proof = import(&engine, &memorising(), "knows").unwrap().proof.unwrap();
    assert!(!proof.photos && proof.firsts.is_none());
    assert!(proof.halves.unwrap().photos.is_none() && proof.halves.unwrap().sentences > 0.999);
    switch(&engine, "knows").unwrap();
}

#[test]
fn the_gpu_in_use_is_held_against_the_cpu() {
    if !sightline_vlm::adapters().iter().any(|adapter| adapter.software) {
        println!("SKIPPED: no software Vulkan adapter (scripts/setup.sh --tests installs Mesa's)");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), DeviceChoice::Software);
    let proof = import(&engine, &memorising(), "knows").unwrap().proof.unwrap();
    let gpu = proof.gpu.unwrap();
    println!("{}: {gpu:?}", proof.device);
    assert!(gpu.lowest() > 0.9999 && gpu.photos.is_some());
    assert_eq!(engine.fault_of("knows", &proof), None);
}
