//! Downloads from a server on this computer, and the models that come of them.

mod downloads;
#[path = "../../../../../tests/support/loopback.rs"]
mod loopback;
mod memorising;
mod packs;
mod proofs;
mod refusals;

use std::path::PathBuf;
use std::time::Duration;

use loopback::Server;

use super::download::{Download, Got, Stop};
use super::http::{Http, Patience, Surroundings};
use crate::EngineError;

/// Where the file lies that most tests fetch.
const PATH: &str = "/owner/name/resolve/0000000000000000000000000000000000000000/weights.bin";

/// Waits for nothing longer than it must.
fn hasty(tries: u32) -> Patience {
    let ms = Duration::from_millis;
    Patience { connect: ms(5000), answer: ms(5000), read: ms(5000), pause: ms(1), longest_pause: ms(3000), tries }
}

fn at(server: &Server) -> Surroundings {
    Surroundings { endpoint: Some(server.url()), ..Surroundings::default() }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("{:x}", Sha256::digest(bytes))
}

/// A file to be fetched into a folder of its own.
struct Fetch {
    dir: tempfile::TempDir,
    surroundings: Surroundings,
    patience: Patience,
    bytes: Option<u64>,
    sha256: Option<String>,
}

impl Fetch {
    /// Of `server`, with the size and digest of `content`.
    fn of(server: &Server, content: &[u8]) -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            surroundings: at(server),
            patience: hasty(6),
            bytes: Some(content.len() as u64),
            sha256: Some(sha256(content)),
        }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("weights.bin")
    }

    fn part(&self) -> PathBuf {
        self.dir.path().join("weights.bin.part")
    }

    fn run(&self) -> Result<Option<Got>, EngineError> {
        self.run_until(&|| Ok(()))
    }

    fn run_until(&self, stop: Stop<'_>) -> Result<Option<Got>, EngineError> {
        let http = Http::new(&self.surroundings, self.patience.clone()).unwrap();
        let url = http.address("owner/name", &"0".repeat(40), "weights.bin").unwrap();
        let (file, bytes, sha256) = (self.file(), self.bytes, self.sha256.clone());
        let download = Download { http: &http, url, file, bytes, at_most: bytes.unwrap_or(1 << 20), sha256 };
        download.fetch(stop, &mut |_| {})
    }

    /// Runs, and gives the error's code.
    fn code(&self) -> &'static str {
        self.run().unwrap_err().code()
    }

    /// The names of the files that are there.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
