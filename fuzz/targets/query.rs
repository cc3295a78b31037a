//! Any text as a query: it is parsed or refused with a place in the text. The parser's two files need nothing
//! else of the engine, so they are built in here without it.
#![no_main]
#![allow(dead_code)]

#[path = "../../crates/engine/src/search/dates.rs"]
mod dates;
mod memory;
#[path = "../../crates/engine/src/search/query.rs"]
mod query;

use libfuzzer_sys::fuzz_target;

/// A term and its words for a letter or two, a few times.
fn most(text: &str) -> usize {
    memory::MIB + 512 * text.len()
}

fuzz_target!(|text: &str| {
    memory::bounded(most(text), || parsed(text));
});

fn parsed(text: &str) {
    match query::parse(text) {
        Ok(query) => assert!(query.terms.iter().all(|term| term.weight.is_finite())),
        Err(error) => {
            assert!(error.column <= text.chars().count());
            assert!(!error.to_string().is_empty());
        }
    }
}
