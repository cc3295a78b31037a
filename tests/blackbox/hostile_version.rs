//! Versions of the model from somebody else, which do not fit it or name their labels to give orders.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::{World, root};

/// What is done to a version.
type Spoil<'a> = &'a dyn Fn(&mut Parts);

/// An exported version, taken apart: what is said of it, and its tensors with type, shape and bytes.
#[derive(Clone)]
struct Parts {
    facts: Value,
    tensors: BTreeMap<String, (String, Vec<usize>, Vec<u8>)>,
}

impl Parts {
    fn of(bytes: &[u8]) -> Self {
        let length = |bytes: &[u8]| u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let rest = bytes.strip_prefix(b"SLversn1").unwrap();
        let (facts, weights) = rest[8..].split_at(length(rest));
        let (head, data) = weights[8..].split_at(length(weights));
        let head: BTreeMap<String, Value> = serde_json::from_slice(head).unwrap();
        let tensors = head.into_iter().filter(|(name, _)| name != "__metadata__").map(|(name, told)| {
            let at = |place: usize| told["data_offsets"][place].as_u64().unwrap() as usize;
            let shape = serde_json::from_value(told["shape"].clone()).unwrap();
            (name, (told["dtype"].as_str().unwrap().to_owned(), shape, data[at(0)..at(1)].to_vec()))
        });
        Self { facts: serde_json::from_slice(facts).unwrap(), tensors: tensors.collect() }
    }

    fn weights(&self) -> Vec<u8> {
        let (mut head, mut data) = (BTreeMap::new(), Vec::new());
        for (name, (dtype, shape, bytes)) in &self.tensors {
            let offsets = [data.len(), data.len() + bytes.len()];
            head.insert(name, json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets }));
            data.extend(bytes);
        }
        let mut head = serde_json::to_vec(&head).unwrap();
        head.resize(head.len().next_multiple_of(8), b' ');
        [&(head.len() as u64).to_le_bytes()[..], &head, &data].concat()
    }

    fn bytes(&self) -> Vec<u8> {
        let facts = serde_json::to_vec(&self.facts).unwrap();
        [&b"SLversn1"[..], &(facts.len() as u64).to_le_bytes(), &facts, &self.weights()].concat()
    }

    /// Gives a matrix another height; its last rows are cut off, or are zeros.
    fn height(&mut self, name: &str, height: usize) {
        let (_, shape, bytes) = self.tensors.get_mut(name).unwrap();
        shape[0] = height;
        bytes.resize(2 * height * shape[1], 0);
    }

    fn begin_with(&mut self, name: &str, bytes: [u8; 2]) {
        self.tensors.get_mut(name).unwrap().2[..2].copy_from_slice(&bytes);
    }

    fn label(&mut self, label: &str) {
        let (_, shape, bytes) = self.tensors.get_mut("facts").unwrap();
        let mut facts: Value = serde_json::from_slice(bytes).unwrap();
        facts["labels"][0] = label.into();
        *bytes = serde_json::to_vec(&facts).unwrap();
        *shape = vec![bytes.len()];
    }
}

/// A world where two kinds of photos were taught, and the version that came of it.
fn taught() -> (World, Parts) {
    let world = World::new();
    for (label, files) in [
        ("animals", ["chelsea.png", "horses.webp", "kitten.webp", "lock.jpg"]),
        ("places", ["beach.jpg", "boats.jpg", "china.jpg", "eiffel.jpg"]),
    ] {
        fs::create_dir(world.photos().join(label)).unwrap();
        for file in files {
            fs::copy(root().join("assets/samples").join(file), world.photos().join(label).join(file)).unwrap();
        }
    }
    world.index();
    let photos = world.photos();
    let args = ["teach", "--json", "--keep-inactive", "--depth", "adapter", "--epochs", "2", "--folders"];
    world.json(&[&args[..], &[photos.to_str().unwrap()]].concat(), 0);
    let file = beside(&world, "v1");
    world.json(&["teach", "export", "--json", "v1", file.to_str().unwrap()], 0);
    let parts = Parts::of(&fs::read(&file).unwrap());
    (world, parts)
}

fn beside(world: &World, name: &str) -> PathBuf {
    world.photos().with_file_name(name)
}

#[test]
fn a_version_that_does_not_fit_or_gives_orders_is_refused_and_one_that_fits_is_kept() {
    let (world, whole) = taught();
    let height = whole.tensors["matrix.classifier.weight"].1[0];
    let infinite = [0x00, 0x7c];
    let huge = [0xff, 0x7b];
    let cases: [(&str, Spoil<'_>); 14] = [
        ("half the height", &|p| p.height("matrix.classifier.weight", height / 2)),
        ("twice the height", &|p| p.height("matrix.classifier.weight", height * 2)),
        ("a bias of two rows", &|p| p.height("matrix.classifier.bias", 2)),
        ("another rank", &|p| p.height("matrix.image.up", 3)),
        ("another space", &|p| p.height("matrix.text.down", 7)),
        ("an infinite number", &|p| p.begin_with("matrix.image.down", infinite)),
        ("a huge number", &|p| p.begin_with("matrix.text.up", huge)),
        ("a matrix too few", &|p| drop(p.tensors.remove("matrix.text.down"))),
        ("a matrix too many", &|p| {
            let more = p.tensors["matrix.text.down"].clone();
            p.tensors.insert("matrix.blocks.0.project.down".into(), more);
        }),
        ("a label with an escape", &|p| p.label("\u{1b}]0;PWNED\u{7}dogs")),
        ("a label of two lines", &|p| p.label("dogs\nFORGED: a line")),
        ("a label from right to left", &|p| p.label("\u{202e}sgod")),
        ("a label without end", &|p| p.label(&"x".repeat(100_000))),
        ("a report that gives orders", &|p| p.facts["report"]["labels"][0]["name"] = "\u{1b}[31mred".into()),
    ];
    for (what, spoil) in cases {
        let mut parts = whole.clone();
        spoil(&mut parts);
        let file = beside(&world, "evil");
        fs::write(&file, parts.bytes()).unwrap();
        let output = world.run(&["teach", "import", file.to_str().unwrap()]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{what}: {told}");
        assert!(told.contains("evil") && !told.contains("panicked"), "{what}: {told}");
        assert!(!told.chars().any(|letter| letter.is_control() && letter != '\n'), "{what}: {told:?}");
        assert_eq!(world.json(&["teach", "list", "--json"], 0).len(), 1, "{what}");
    }
    let mut long = whole.bytes();
    long[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    for bytes in [&whole.bytes()[..9000], &long, b"SLversn1", b""] {
        fs::write(beside(&world, "evil"), bytes).unwrap();
        assert_eq!(world.run(&["teach", "import", beside(&world, "evil").to_str().unwrap()]).status.code(), Some(2));
    }
    fs::write(beside(&world, "good"), whole.bytes()).unwrap();
    let kept = world.json(&["teach", "import", "--json", beside(&world, "good").to_str().unwrap()], 0);
    assert_eq!(kept[0]["name"], "v2");
}

#[test]
fn a_version_in_a_library_that_does_not_fit_is_not_used_and_ends_nothing() {
    let (world, whole) = taught();
    let height = whole.tensors["matrix.classifier.weight"].1[0];
    let infinite = [0x00, 0x7c];
    let cases: [(&str, Spoil<'_>); 4] = [
        ("half the height", &|p| p.height("matrix.classifier.weight", height / 2)),
        ("another space", &|p| p.height("matrix.image.down", 7)),
        ("an infinite number", &|p| p.begin_with("matrix.image.down", infinite)),
        ("a matrix too few", &|p| drop(p.tensors.remove("matrix.text.up"))),
    ];
    for (what, spoil) in cases {
        let mut parts = whole.clone();
        spoil(&mut parts);
        let connection = Connection::open(world.library().join("catalogue.sqlite")).unwrap();
        connection.execute("UPDATE version SET weights = ?1", [parts.weights()]).unwrap();
        connection.execute("DELETE FROM version_in_use", []).unwrap();
        drop(connection);
        let activated = world.run(&["teach", "activate", "--json", "v1"]);
        let told = String::from_utf8_lossy(&activated.stderr).into_owned();
        assert_eq!(activated.status.code(), Some(2), "{what}: {told}");
        assert!(told.contains("version_bad"), "{what}: {told}");
        // As a library from elsewhere has it.
        let connection = Connection::open(world.library().join("catalogue.sqlite")).unwrap();
        connection.execute("INSERT INTO version_in_use (version_id) SELECT id FROM version", []).unwrap();
        drop(connection);
        for args in [vec!["status"], vec!["search", "a cat"], vec!["suggest"], vec!["teach", "list"]] {
            let output = world.run(&args);
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code().is_some_and(|code| code <= 2), "{what}, {args:?}");
            assert!(!told.contains("panicked") && !told.contains("stopped unexpectedly"), "{what}, {args:?}: {told}");
        }
        assert!(!world.search("a kitten").is_empty(), "{what}: the model is used untaught");
        let doctor = world.run(&["doctor"]);
        assert_eq!(doctor.status.code(), Some(1), "{what}");
        assert!(String::from_utf8_lossy(&doctor.stdout).contains("teach activate base"), "{what}");
        assert_eq!(world.run(&["teach", "activate", "base"]).status.code(), Some(0), "{what}");
        assert_eq!(world.run(&["doctor"]).status.code(), Some(0), "{what}");
    }
}
