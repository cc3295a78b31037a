//! A folder of coloured photos, a library and a fake model, for tests of whole flows.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use sightline_catalog::{Catalog, Filter};
use sightline_media::Rgb;
use sightline_vlm::DeviceChoice;

use crate::index::{IndexJob, IndexSummary};
use crate::jobs::{JobControl, JobEvent};
use crate::model_host::fake::{Fake, FakeSource};
use crate::search::{Interpretation, SearchReply, SearchRequest};
use crate::{Engine, EngineConfig, EngineError};

pub(crate) const RED: [u8; 3] = [250, 0, 0];
pub(crate) const GREEN: [u8; 3] = [0, 250, 0];
pub(crate) const BLUE: [u8; 3] = [0, 0, 250];

/// Everything that a test of a flow needs; gone at its end.
pub(crate) struct World {
    dir: tempfile::TempDir,
    pub fake: Arc<Fake>,
    pub events: Mutex<Vec<JobEvent>>,
    pub control: JobControl,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("photos")).unwrap();
        let (events, control) = (Mutex::default(), JobControl::new());
        Self { dir, fake: Fake::new(), events, control }
    }

    /// The folder of photos, as the engine names it.
    pub fn photos(&self) -> PathBuf {
        std::fs::canonicalize(self.dir.path().join("photos")).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.photos().join(name)
    }

    /// Writes a photo of one colour; `shade` makes contents differ.
    pub fn photo(&self, name: &str, colour: [u8; 3], shade: u8) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, jpeg(colour, shade)).unwrap();
        path
    }

    /// An engine on the library, as a new process would open it.
    pub fn engine(&self) -> Engine {
        self.engine_on(DeviceChoice::Cpu)
    }

    pub fn engine_on(&self, device: DeviceChoice) -> Engine {
        let library = self.dir.path().join("library");
        let catalog = Catalog::open(&library).unwrap();
        let config =
            EngineConfig { library, model_dir: "no model".into(), models: None, device, decoder: None, settings: None };
        Engine::with_model(config, Some(catalog), Arc::new(FakeSource(self.fake.clone()))).unwrap()
    }

    /// Indexes the folder of photos in a new engine.
    pub fn index(&self) -> IndexSummary {
        self.try_index(&[self.photos()], false).unwrap()
    }

    pub fn try_index(&self, folders: &[PathBuf], retry: bool) -> Result<IndexSummary, EngineError> {
        self.run(&mut IndexJob::new(folders, retry)?)
    }

    pub fn run(&self, job: &mut IndexJob) -> Result<IndexSummary, EngineError> {
        let keep = |event| self.events.lock().unwrap().push(event);
        self.engine().run_job(job, &self.control, &keep)?;
        Ok(job.summary.clone())
    }

    /// Names of the photos found, best first.
    pub fn found(&self, query: &str) -> Vec<String> {
        names(&self.search(query).unwrap(), &self.photos())
    }

    pub fn search(&self, query: &str) -> Result<SearchReply, EngineError> {
        let base = self.photos();
        self.engine().search(&SearchRequest {
            query,
            limit: 100,
            less_likely: 0,
            base: &base,
            filter: &Filter::default(),
            reading: Interpretation::Plain,
        })
    }

    pub fn problem_codes(&self) -> Vec<(PathBuf, String)> {
        let problems = self.engine().problems().unwrap();
        problems.into_iter().map(|problem| (problem.path, problem.code)).collect()
    }
}

/// Paths relative to `root`; copies of a photo are joined by `=`.
pub(crate) fn names(reply: &SearchReply, root: &Path) -> Vec<String> {
    let name = |path: &PathBuf| path.strip_prefix(root).unwrap_or(path).display().to_string();
    reply.hits.iter().map(|hit| hit.paths.iter().map(name).collect::<Vec<_>>().join("=")).collect()
}

/// A JPEG of one colour; no two shades have the same bytes.
pub(crate) fn jpeg(colour: [u8; 3], shade: u8) -> Vec<u8> {
    let (width, height) = (32, 24);
    let pixel = colour.map(|channel| channel.saturating_sub(shade));
    let pixels = pixel.repeat((width * height) as usize);
    let mut bytes = sightline_media::thumbnail(&Rgb { width, height, pixels }, 32).unwrap();
    // Compression makes some shades equal; what follows the image's end is not looked at.
    bytes.push(shade);
    bytes
}
