//! `sightline similar FILE`

use std::path::PathBuf;

use clap::Args;

use super::search;
use crate::Outcome;
use crate::args::Global;
use crate::output::{Output, shown};
use crate::setup;

/// Find photos that look like a photo, which need not be in the library
#[derive(Debug, Args)]
pub(crate) struct Similar {
    /// Show at most this many photos
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// The photo to compare with
    file: PathBuf,
}

impl Similar {
    pub fn run(&self, global: &Global, output: Output) -> anyhow::Result<Outcome> {
        let engine = setup::reader(global)?;
        let reply = engine.similar(&self.file, self.limit as usize)?;
        search::print(output, &reply, &format!("nothing looks like {}", shown(&self.file)))
    }
}
