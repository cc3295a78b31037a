//! Made-up weights as a file of a checkpoint.

#[allow(dead_code, reason = "tests use more of it")]
#[path = "../../src/checkpoint/made.rs"]
mod numbers;

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

use half::f16;
use serde_json::json;

pub use numbers::Made;

/// Numbers that are made at once.
const CHUNK: usize = 1 << 20;

/// Writes all tensors into a safetensors file; half precision holds what is made up exactly.
pub fn write(made: &Made, path: &Path) -> Result<()> {
    let numbers = |name: &str| made.shape(name).map_or(0, |shape| shape.iter().product::<usize>());
    let (mut header, mut end) = (serde_json::Map::new(), 0);
    for name in made.names() {
        let start = end;
        end += numbers(name) * 2;
        let place = json!({ "dtype": "F16", "shape": made.shape(name), "data_offsets": [start, end] });
        header.insert(name.into(), place);
    }
    let header = serde_json::to_vec(&header)?;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    for name in made.names() {
        let count = numbers(name);
        for first in (0..count).step_by(CHUNK) {
            let floats = made.floats(name, first, CHUNK.min(count - first));
            let bytes: Vec<u8> = floats.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
            file.write_all(&bytes)?;
        }
    }
    file.flush()
}
