//! Search results out of the app: a table, or copies in a folder.
//!
//! Nothing that is there is overwritten unasked, and originals are only read.

mod copies;
mod table;

pub use copies::CopyJob;
