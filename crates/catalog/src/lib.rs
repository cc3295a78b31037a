//! Sightline's catalogue: photos, where they lie, their vectors and the jobs on them, in SQLite.
//!
//! A library is a folder with one database in it. A photo is a content, known by its hash; a
//! location is a file that has that content. A file that cannot be read is a problem. Every
//! commit is whole: a process may be killed at any instruction, and the catalogue opens again
//! with every committed row.
//!
//! It knows nothing of models, codecs or folders on disk: vectors are numbers under a model's
//! key, paths are bytes, and no photo is ever opened here.

mod batch;
mod catalog;
mod check;
mod connection;
mod deadline;
mod erasing;
mod error;
mod facets;
mod facts;
mod filter;
mod forgetting;
mod freeing;
mod garbage;
mod migrations;
mod model_change;
mod names;
mod path_bytes;
mod place_key;
mod plain;
mod repair;
mod safekeeping;
mod schema;
mod share;
mod spelling;
mod status;
mod succession;
mod tables;
mod turn;
mod vectors;

pub use batch::Batch;
pub use catalog::Catalog;
pub use check::CheckReport;
pub use error::CatalogError;
pub use facets::{Facet, Facets};
pub use facts::{DateSource, FactsUpdate, PhotoFacts, PlaceNames};
pub use filter::{DateOrder, Filter, Inside};
pub use forgetting::{Forgetting, ToForget};
pub use model_change::ModelChange;
pub use place_key::fold as fold_name;
pub use repair::{RepairReport, Salvage, Saved};
pub use safekeeping::Watch;
pub use status::Status;
pub use succession::Conclusion;
pub use tables::absence::Absence;
pub use tables::album::{AlbumId, AlbumRow};
pub use tables::caption::{CaptionAuthor, CaptionRow, NewCaption, Overwrite};
pub use tables::companion::{Companion, CompanionKind};
pub use tables::forgotten::KeptOut;
pub use tables::job::{JobId, JobRow, JobState};
pub use tables::job_mark::Installation;
pub use tables::keyword::{KeywordOrigin, KeywordRow};
pub use tables::location::{Known, Location, LocationId, Reading};
pub use tables::model::ModelKey;
pub use tables::photo::{NewPhoto, PhotoId, PhotoRow};
pub use tables::problem::Problem;
pub use tables::trashed::{ToTrash, TrashBatch, TrashedRow};
pub use tables::vector::KeptVectors;
pub use tables::verdict::{Verdict, VerdictRow};
pub use tables::version::{NewVersion, VersionId, VersionRow};
pub use tables::volume::FolderVolume;
pub use turn::Turn;
pub use vectors::{Nearest, ScoreStats, VectorIndex};
