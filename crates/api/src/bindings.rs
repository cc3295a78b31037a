//! TypeScript types of everything that crosses, generated from the Rust types.

use std::collections::BTreeMap;

use ts_rs::{Config, TS, TypeVisitor};

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
    file.push_str("  /** Photos came or went; at most one a second. */\n  library_changed: null;\n}\n");
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

    #[test]
    fn numbers_are_numbers_and_every_command_is_listed() {
        let types = typescript();
        assert!(!types.contains("bigint"));
        for name in crate::NAMES.iter().chain(crate::start::list::NAMES) {
            assert!(types.contains(&format!("  {name}: [")), "{name}");
        }
    }
}
