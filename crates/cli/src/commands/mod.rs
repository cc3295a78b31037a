//! One file for each subcommand: its options, what it asks of the engine, how it prints.

pub(crate) mod ask;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod caption;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod duplicates;
pub(crate) mod eval;
pub(crate) mod folders;
pub(crate) mod forget;
pub(crate) mod index;
pub(crate) mod licences;
pub(crate) mod model;
pub(crate) mod problems;
mod proof;
pub(crate) mod restore;
pub(crate) mod search;
pub(crate) mod similar;
pub(crate) mod status;
pub(crate) mod suggest;
pub(crate) mod tags;
pub(crate) mod teach;
pub(crate) mod watch;
