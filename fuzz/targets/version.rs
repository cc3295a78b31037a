//! Any bytes as a version of the model: refused, or one that fits the model that ships and tells a photo without a crash.
#![no_main]

mod memory;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sightline_vlm::tune::Version;
use sightline_vlm::{Embedding, ModelInfo, PhotoVectors};

static MODEL: LazyLock<ModelInfo> = LazyLock::new(|| {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/models/home-1");
    ModelInfo::read(&folder).expect("the model that ships")
});

/// Its 16-bit numbers as floats, those again as a tensor and its product, and as bytes; its names; and what burn keeps.
fn most(bytes: &[u8]) -> usize {
    16 * memory::MIB + 64 * bytes.len()
}

fuzz_target!(|bytes: &[u8]| {
    LazyLock::force(&MODEL);
    memory::bounded(most(bytes), || read_and_used(bytes));
});

fn read_and_used(bytes: &[u8]) {
    let Ok(version) = Version::from_bytes(bytes) else { return };
    if version.must_fit(&MODEL).is_err() {
        return;
    }
    let unit = |length: usize| Embedding::normalised(vec![1.0; length]).expect("it has a length");
    let photo = PhotoVectors { shared: unit(MODEL.dims), descriptor: unit(MODEL.descriptor.dims), base: None };
    let photos = version.adapt_photos(vec![photo]);
    assert_eq!(photos.len(), 1);
    let scores = version.classify(&photos);
    assert!(scores[0].iter().all(|score| (0.0..=1.0).contains(&score.confidence)), "{scores:?}");
    assert_eq!(version.adapt_texts(vec![unit(MODEL.dims)]).len(), 1);
    assert_eq!(Version::from_bytes(&version.to_bytes()).expect("it was read before").labels(), version.labels());
}
