//! One file a table: its row, its reader, its writer and its migrations.

pub(crate) mod absence;
pub(crate) mod album;
pub(crate) mod caption;
pub(crate) mod change;
pub(crate) mod checkpoint;
pub(crate) mod companion;
pub(crate) mod fingerprint;
pub(crate) mod folder;
pub(crate) mod forgotten;
pub(crate) mod job;
pub(crate) mod job_mark;
pub(crate) mod keyword;
pub(crate) mod location;
pub(crate) mod missing;
pub(crate) mod model;
pub(crate) mod photo;
pub(crate) mod problem;
pub(crate) mod setting;
pub(crate) mod thumbnail;
pub(crate) mod trashed;
pub(crate) mod vector;
pub(crate) mod vector_file;
pub(crate) mod verdict;
pub(crate) mod version;
pub(crate) mod volume;
pub(crate) mod words;
