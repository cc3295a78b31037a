//! What crosses between Sightline's engine and a user interface.
//!
//! Requests, replies and the one list of commands ([`commands`]); TypeScript types are generated from
//! them ([`bindings`]). A [`Desk`] answers commands over one engine; a [`Start`] opens it, and answers a few commands of
//! its own where the library does not open. They know no window system: what only a shell can do stands behind
//! [`Shell`].

mod asking;
pub mod bindings;
mod chips;
mod choosing;
mod commands;
mod desk;
mod duplicate_handlers;
mod duplicate_types;
mod error;
mod forgetting;
mod grants;
mod handlers;
mod models;
mod safekeeping;
mod start;
mod start_types;
mod teach_handlers;
mod teach_types;
mod trashing;
mod types;

pub use asking::{Ask, PhotoAnswer};
pub use choosing::{Choose, FileDialog, FileDrag};
pub use commands::{NAMES, dispatch};
pub use desk::{Desk, PictureSize, Places, Shell};
pub use duplicate_types::*;
pub use error::ErrorReply;
pub use forgetting::{Forget, ForgetPlan, Privacy};
pub use grants::{ChoiceKind, Grant, Granted, Grants, KnownPath, Purpose};
pub use models::*;
pub use safekeeping::{BackUp, BackedUp, LibraryCheck};
pub use sightline_engine::home::LibraryChoice;
pub use start::Start;
pub use start_types::*;
pub use teach_types::*;
pub use trashing::{Question, TrashPhotos};
pub use types::*;
