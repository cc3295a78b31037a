//! Running the built `sightline` over folders of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A command that has not ended by then hangs.
const LIMIT: Duration = Duration::from_secs(240);

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the workspace").to_path_buf()
}

/// The binary under test: `$SIGHTLINE_BIN`, else the one built beside the tests.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("SIGHTLINE_BIN") {
        return path.into();
    }
    let tests = std::env::current_exe().expect("a test has a path");
    let path = tests.parent().and_then(Path::parent).expect("tests lie in deps").join("sightline");
    assert!(path.is_file(), "{} is missing: cargo build --release -p sightline-cli", path.display());
    path
}

/// A temporary world: photos and a library.
pub struct World {
    folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        std::fs::create_dir(world.photos()).unwrap();
        world
    }

    /// A world with the sample photos copied in.
    pub fn with_samples() -> Self {
        let world = Self::new();
        for sample in samples() {
            std::fs::copy(&sample, world.photos().join(sample.file_name().unwrap())).unwrap();
        }
        world
    }

    pub fn photos(&self) -> PathBuf {
        self.folder.path().join("photos")
    }

    pub fn library(&self) -> PathBuf {
        self.folder.path().join("library")
    }

    /// Where all of this world lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where this world's settings lie.
    pub fn settings(&self) -> PathBuf {
        self.folder.path().join("home/.config/sightline")
    }

    /// `sightline` on this world's library, on the CPU, with settings of this world alone.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        own_home(&mut command, self.folder.path());
        command.arg("--library").arg(self.library()).args(["--device", "cpu"]).args(args).stdin(Stdio::null());
        command
    }

    /// Runs to the end, within the time limit.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut command = self.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sightline starts");
        let start = Instant::now();
        // Output is small; the pipes hold it until the end.
        while child.try_wait().unwrap().is_none() {
            if start.elapsed() > LIMIT {
                child.kill().unwrap();
                panic!("{args:?} hangs");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        child.wait_with_output().unwrap()
    }

    /// Indexes the photos and returns the summary.
    pub fn index(&self) -> Value {
        let photos = self.photos();
        let lines = self.json(&["index", "--json", photos.to_str().unwrap()], 0);
        lines.into_iter().find(|l| l["event"] == "summary").expect("index ends with a summary")
    }

    /// Runs, checks the exit code and parses each line of the output.
    pub fn json(&self, args: &[&str], code: i32) -> Vec<Value> {
        let output = self.run(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
        let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{l}: {e}"))).collect()
    }

    /// File names of the hits, best first.
    pub fn search(&self, query: &str) -> Vec<String> {
        let output = self.run(&["search", "--json", query]);
        assert!(output.status.code().is_some_and(|c| c < 2), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|l| {
                let hit: Value = serde_json::from_str(l).unwrap();
                let path = Path::new(hit["path"].as_str().unwrap());
                path.file_name().unwrap().to_string_lossy().into_owned()
            })
            .collect()
    }
}

/// Gives a command a home in `folder`, so that no test reads or changes the settings of the person who runs it.
pub fn own_home(command: &mut Command, folder: &Path) {
    let home = folder.join("home");
    command.env("HOME", &home);
    for (variable, place) in
        [("XDG_CONFIG_HOME", ".config"), ("XDG_DATA_HOME", ".local/share"), ("XDG_CACHE_HOME", ".cache")]
    {
        command.env(variable, home.join(place));
    }
}

/// The sample photos.
pub fn samples() -> Vec<PathBuf> {
    let mut photos: Vec<PathBuf> = std::fs::read_dir(root().join("assets/samples"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| ["jpg", "png", "webp"].iter().any(|known| e == *known)))
        .collect();
    photos.sort();
    photos
}
