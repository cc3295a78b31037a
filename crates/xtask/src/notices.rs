//! The notices of everything that goes out with Sightline: crates, npm packages, C libraries, model, photos, places.
//!
//! Which crates are linked is asked of `cargo tree`, for each system that `deny.toml` names; their texts are read from
//! the registry's sources. Which npm packages are in the window is asked of Vite. What a package keeps no text for gets
//! the standard text of its licence. Whether a licence is acceptable is `cargo deny`'s to say, not this file's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

const FILE: &str = "assets/THIRD-PARTY-NOTICES.txt";
const HEAD: &str = include_str!("notices_head.txt");
/// The programs that are handed out.
const PROGRAMS: [&str; 2] = ["sightline-cli", "sightline-desktop"];

/// Something that is linked or packed in.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    #[serde(alias = "identifier")]
    license: Option<String>,
    #[serde(default)]
    authors: Vec<String>,
    /// The system's name of a C library that the crate builds or binds.
    links: Option<String>,
    manifest_path: Option<PathBuf>,
    source: Option<String>,
    /// Vite's: what the package's file of its licence says.
    text: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// Licence texts, each once, numbered from 1 in the order in which they were met.
#[derive(Default)]
struct Texts {
    numbers: BTreeMap<String, usize>,
    texts: Vec<String>,
}

impl Texts {
    /// The number of a text; texts that differ only in how their lines are broken are one.
    fn number(&mut self, text: &str) -> usize {
        let key = text.split_whitespace().collect::<Vec<_>>().join(" ");
        *self.numbers.entry(key).or_insert_with(|| {
            self.texts.push(tidy(text));
            self.texts.len()
        })
    }
}

/// Writes the notices; with `check`, fails where they are not what they should be.
pub fn run(check: bool) -> anyhow::Result<()> {
    let written = notices()?;
    let before = std::fs::read_to_string(FILE).unwrap_or_default().replace("\r\n", "\n");
    if check {
        ensure!(before == written, "{FILE} is out of date: run cargo xtask notices");
        return Ok(());
    }
    std::fs::write(FILE, &written).context(FILE)?;
    println!("wrote {FILE}: {} KB", written.len() / 1000);
    Ok(())
}

fn notices() -> anyhow::Result<String> {
    let mut texts = Texts::default();
    let crates = section(&linked_crates()?, &mut texts)?;
    let npm = section(&npm_packages()?, &mut texts)?;
    let photos = std::fs::read_to_string("assets/samples/CREDITS.md")?.replace("\r\n", "\n");
    let mut out = format!("{HEAD}\nCRATES\n\n{crates}\nNPM PACKAGES IN THE WINDOW\n\n{npm}\nSAMPLE PHOTOS\n\n");
    for line in photos.lines().skip(2) {
        writeln!(out, "{line}")?;
    }
    out.push_str("\nTEXTS\n");
    for (at, text) in texts.texts.iter().enumerate() {
        write!(out, "\n[{}] {}\n\n{text}\n", at + 1, "-".repeat(72))?;
    }
    Ok(out)
}

/// A line for each package: name, version, licence, holders whom no text names, numbers of its texts.
fn section(packages: &[Package], texts: &mut Texts) -> anyhow::Result<String> {
    let mut out = String::new();
    for package in packages {
        let licence = package.license.as_deref().unwrap_or("see text");
        let (mut holders, mut numbers) = (BTreeSet::new(), BTreeSet::new());
        let mut own = own_texts(package)?;
        if own.is_empty() {
            holders.extend(package.authors.iter().cloned());
            own = standard_texts(licence).with_context(|| package.name.clone())?;
        }
        for text in &own {
            match only_apache(text) {
                Some(named) => {
                    holders.extend(named);
                    numbers.insert(texts.number(apache()?));
                }
                None => {
                    numbers.insert(texts.number(text));
                }
            }
        }
        write!(out, "{} {}: {licence}", package.name, package.version)?;
        holders.iter().try_for_each(|holder| write!(out, "; {holder}"))?;
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        writeln!(out, " [{}]", numbers.join(", "))?;
    }
    Ok(out)
}

fn apache() -> anyhow::Result<&'static str> {
    Ok(spdx::license_id("Apache-2.0").context("spdx knows Apache-2.0")?.text())
}

/// Whom a text names as holders, if it is the Apache licence word for word, with its appendix at most: dozens of copies
/// differ in their blanks and in that line only.
fn only_apache(text: &str) -> Option<Vec<String>> {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let standard = apache().ok()?;
    let terms =
        &standard[standard.find("TERMS AND CONDITIONS FOR USE")?..standard.find("END OF TERMS AND CONDITIONS")?];
    let (terms, all, whole) = (letters(terms), letters(text), letters(standard).len());
    // The longest line of a holder is far shorter.
    (all.contains(&terms) && all.len() < whole + 200).then(|| {
        let holder = |line: &&str| line.starts_with("Copyright") && line.contains(|c: char| c.is_ascii_digit());
        text.lines().map(str::trim).filter(holder).map(str::to_owned).collect()
    })
}

fn linked_crates() -> anyhow::Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Deny {
        graph: Graph,
    }
    #[derive(Deserialize)]
    struct Graph {
        targets: Vec<String>,
    }
    let deny: Deny = toml::from_str(&std::fs::read_to_string("deny.toml")?)?;
    let mut linked = BTreeSet::new();
    for target in &deny.graph.targets {
        let mut tree = super::check::cargo(&["tree", "--locked", "--prefix", "none", "--format", "{p}"]);
        // What only runs while building (build scripts, macros) is in no program.
        tree.args(["--edges", "normal,no-proc-macro", "--target", target]);
        tree.args(PROGRAMS.iter().flat_map(|program| ["--package", program]));
        for line in output(tree)?.lines() {
            let mut words = line.split_whitespace();
            let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
            linked.insert((name.to_owned(), version.trim_start_matches('v').to_owned()));
        }
    }
    let metadata = output(super::check::cargo(&["metadata", "--locked", "--format-version", "1"]))?;
    let mut packages = serde_json::from_str::<Metadata>(&metadata)?.packages;
    packages.retain(|package| {
        package.source.is_some() && linked.contains(&(package.name.clone(), package.version.clone()))
    });
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    ensure!(packages.len() > 100, "cargo tree names only {} crates", packages.len());
    Ok(packages)
}

fn npm_packages() -> anyhow::Result<Vec<Package>> {
    output(super::check::npm("ui:build"))?;
    let list = "ui/dist/licenses.json";
    let packages: Vec<Package> = serde_json::from_str(&std::fs::read_to_string(list).context(list)?)?;
    ensure!(packages.iter().any(|package| package.name == "svelte"), "{list} does not name svelte");
    Ok(packages)
}

/// The texts that lie in a package; with those of the C sources where it carries some.
fn own_texts(package: &Package) -> anyhow::Result<Vec<String>> {
    let Some(manifest) = &package.manifest_path else { return Ok(package.text.iter().cloned().collect()) };
    let folder = manifest.parent().context("a manifest lies in a folder")?;
    let mut files = Vec::new();
    let depth = if package.links.is_some() { 3 } else { 0 };
    licence_files(folder, depth, &mut files)?;
    files.sort();
    files
        .iter()
        .map(|file| {
            let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect()
}

fn licence_files(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let named =
            ["licen", "unlicense", "copying", "copyright", "notice"].iter().any(|start| name.starts_with(start));
        let prose = !path
            .extension()
            .is_some_and(|end| ["rs", "html", "json", "toml", "c", "h", "py", "sh"].iter().any(|e| end == *e));
        if path.is_file() && named && prose {
            found.push(path);
        } else if path.is_dir() && named {
            found.extend(
                std::fs::read_dir(&path)?.filter_map(|file| Some(file.ok()?.path())).filter(|file| file.is_file()),
            );
        } else if path.is_dir() && depth > 0 && !["tests", "test", "target", "examples"].contains(&name.as_str()) {
            licence_files(&path, depth - 1, found)?;
        }
    }
    Ok(())
}

/// The standard texts of the licences that an SPDX expression names.
fn standard_texts(expression: &str) -> anyhow::Result<Vec<String>> {
    let parsed = spdx::Expression::parse_mode(expression, spdx::ParseMode::LAX)?;
    let mut found = Vec::new();
    for requirement in parsed.requirements() {
        let id = requirement.req.license.id().with_context(|| format!("{expression:?} names no known licence"))?;
        found.push(id.text().to_owned());
    }
    ensure!(!found.is_empty(), "{expression:?} names no licence");
    Ok(found)
}

/// The text with plain line ends, without control characters and without blanks around it.
fn tidy(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().map(|line| line.replace(|c: char| c.is_control(), " ").trim_end().to_owned()).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

fn output(mut command: Command) -> anyhow::Result<String> {
    let done = command.output().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !done.status.success() {
        bail!("{command:?}: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr));
    }
    Ok(String::from_utf8(done.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_two_packages_share_stands_once() {
        let mut texts = Texts::default();
        assert_eq!(texts.number("Copyright (c) A\r\n\r\nDo  what you like.\n"), 1);
        assert_eq!(texts.number("Copyright (c) A\nDo what\nyou like."), 1);
        assert_eq!(texts.number("Copyright (c) B\nDo what you like."), 2);
        assert_eq!(texts.texts[0], "Copyright (c) A\n\nDo  what you like.");
    }

    #[test]
    fn a_copy_of_the_apache_licence_keeps_its_holder_and_not_its_words() {
        let standard = apache().unwrap();
        let own = standard.replace("Copyright [yyyy] [name of copyright owner]", "Copyright 2019 A");
        assert_eq!(only_apache(&own).unwrap(), ["Copyright 2019 A"]);
        assert_eq!(only_apache(&standard.replace("    ", "\t")).unwrap(), [""; 0]);
        assert!(only_apache(&format!("{standard}\n{}", "And MIT, which says: ".repeat(40))).is_none());
        assert!(only_apache(&standard.replace("irrevocable", "revocable")).is_none());
    }

    #[test]
    fn a_package_without_a_text_gets_those_of_its_licences() {
        let both = standard_texts("MIT OR Apache-2.0").unwrap();
        assert!(both[0].contains("Permission is hereby granted") && both[1].contains("Apache License"));
        assert_eq!(standard_texts("MIT/Apache-2.0").unwrap(), both, "as older crates write it");
        standard_texts("Proprietary").unwrap_err();
    }
}
