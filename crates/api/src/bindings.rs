//! TypeScript types of everything that crosses, generated from the Rust types.

use std::collections::BTreeMap;

use ts_rs::{Config, TS, TypeVisitor};

use crate::choosing::FileDrag;
use crate::commands::visit_types;
use crate::types::JobRow;

/// Numbers of photos and bytes fit into a JavaScript number (2^53), and JSON has no other.
fn config() -> Config {
    Config::default().with_large_int("number")
}

/// The whole TypeScript file.
pub fn typescript() -> String {
    let mut declared = Declarations { config: config(), by_name: BTreeMap::new() };
    visit_types(&mut declared);
    crate::start::list::visit_types(&mut declared);
    declared.visit::<JobRow>();
    declared.visit::<FileDrag>();
    let mut file = String::from("// Generated from crates/api by `cargo xtask bindings`: do not edit.\n\n");
    for declaration in declared.by_name.values() {
        file.push_str(&format!("{declaration}\n\n"));
    }
    file.push_str("/** Every command with its request and its reply. */\nexport interface Rpc {\n");
    let commands = crate::commands::schema(&declared.config);
    for line in commands.into_iter().chain(crate::start::list::schema(&declared.config)) {
        file.push_str(&format!("  {line}\n"));
    }
    file.push_str("}\n\n/** What the shell tells unasked, by name. */\nexport interface Events {\n");
    file.push_str("  /** A job changed its state or came further; at most ten a second for each. */\n  job: JobRow;\n");
    file.push_str("  /** Photos came or went; at most one a second. */\n  library_changed: null;\n");
    file.push_str("  /** Files are dragged over the window, or let go there. */\n  drag: FileDrag;\n}\n");
    file
}

struct Declarations {
    config: Config,
    by_name: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        let name = T::name(&self.config);
        // Only types of our own are written to a file; the rest are TypeScript's.
        if T::output_path().is_some() && !self.by_name.contains_key(&name) {
            // Comments come before the keyword.
            let declaration = T::decl(&self.config).replacen("type ", "export type ", 1);
            self.by_name.insert(name, declaration);
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_types_are_those_of_the_code() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/src/api/bindings.ts");
        let committed = std::fs::read_to_string(file).unwrap();
        assert!(committed == typescript(), "run `cargo xtask bindings`");
    }

    /// Fields in which a page names something by text that reads like a path, and why that opens no file.
    const TEXTS: [(&str, &str, &str); 2] = [
        ("Filters", "folder", "rows of the catalogue are compared with it"),
        ("Filters", "place", "it is the name of a town"),
    ];

    /// The fields of a type, each with its own.
    fn fields(types: &str, name: &str) -> Vec<(String, String)> {
        let Some((_, rest)) = types.split_once(&format!("export type {name} = ")) else { return Vec::new() };
        let mut body = rest.split_once(";\n\n").unwrap().0.to_owned();
        while let Some((before, (_, after))) =
            body.split_once("/**").map(|(before, rest)| (before, rest.split_once("*/").unwrap()))
        {
            body = format!("{before}{after}");
        }
        let field =
            |part: &str| part.trim_matches(['{', '}', ' ', '\n']).split_once(": ").map(|(n, t)| (n.into(), t.into()));
        body.split(',').filter_map(field).collect()
    }

    /// Every field of what a page sends: command, type, field and the field's type.
    fn sent(types: &str) -> Vec<[String; 4]> {
        let commands = types.split_once("export interface Rpc {\n").unwrap().1.split_once("\n}").unwrap().0;
        let mut sent = Vec::new();
        for line in commands.lines() {
            let (command, types_of) = line.trim().split_once(": [").unwrap();
            let mut open = vec![types_of.split_once(", ").unwrap().0.to_owned()];
            let mut seen = open.clone();
            while let Some(name) = open.pop() {
                for (field, kind) in fields(types, &name) {
                    for inner in kind.split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned) {
                        if !seen.contains(&inner) {
                            seen.push(inner.clone());
                            open.push(inner);
                        }
                    }
                    sent.push([command.into(), name.clone(), field, kind]);
                }
            }
        }
        sent
    }

    /// Text in a request by which a page might name a file: type and field.
    fn path_texts(types: &str) -> Vec<(String, String)> {
        const WORDS: [&str; 7] = ["path", "file", "folder", "dir", "place", "library", "backup"];
        let reads_like_a_path = |field: &str| WORDS.iter().any(|word| field.contains(word));
        let texts =
            sent(types).into_iter().filter(|[.., field, kind]| reads_like_a_path(field) && kind.contains("string"));
        let mut found: Vec<(String, String)> = texts.map(|[_, name, field, _]| (name, field)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn no_command_takes_a_path_from_the_page() {
        let types = typescript();
        let allowed = TEXTS.map(|(name, field, _)| (name.to_owned(), field.to_owned()));
        assert_eq!(
            path_texts(&types),
            allowed,
            "a command takes a `Grant` or a `KnownPath`, or says here why it need not"
        );
        for (now, wrong) in [
            ("AddFolders = { folders: Grant,", "AddFolders = { folders: Array<string>,"),
            ("photos: Array<number>, file: Grant,", "photos: Array<number>, file: string | null,"),
        ] {
            assert_eq!(path_texts(&types.replace(now, wrong)).len(), allowed.len() + 1, "{wrong} is found");
        }
    }

    #[test]
    fn a_grant_is_given_for_each_command_that_takes_one() {
        let types = typescript();
        let mut taking: Vec<String> =
            sent(&types).into_iter().filter(|[.., kind]| kind.contains("Grant")).map(|[command, ..]| command).collect();
        let (_, purposes) = types.split_once("export type Purpose = ").unwrap();
        let mut given: Vec<String> =
            purposes.split_once(';').unwrap().0.split(" | ").map(|name| name.trim_matches('"').to_owned()).collect();
        taking.sort_unstable();
        given.sort_unstable();
        assert_eq!(taking, given);
    }

    #[test]
    fn numbers_are_numbers_and_every_command_is_listed() {
        let types = typescript();
        assert!(!types.contains("bigint"));
        for name in crate::NAMES.iter().chain(crate::start::list::NAMES) {
            assert!(types.contains(&format!("  {name}: [")), "{name}");
        }
    }
}
