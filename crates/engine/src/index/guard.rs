//! Before anything is forgotten: so much at once is more likely an unplugged disk than a person's wish.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use sightline_catalog::Absence;
use sightline_media::Listings;

use crate::{Engine, EngineError};

/// Fewer files than this are forgotten without a question...
const FEW: usize = 10;
/// ...and so is what is at most this part of a folder.
const ONE_IN: u64 = 5;

/// What is to become of files that are gone.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// To be forgotten.
    pub gone: Vec<PathBuf>,
    /// Folders about which a person is asked, of which nothing is forgotten.
    pub held: Vec<Absence>,
}

/// Which losses are forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Losses {
    /// Those that are not too many at once.
    Guarded,
    /// All: a person said so.
    All,
    /// None yet; more may be on their way, which are to be judged together.
    Later,
}

/// Decides about the files `gone` below `roots`; asks where too many are lost. A photo that lies elsewhere is moved,
/// not lost.
pub(super) fn judge(
    engine: &Engine,
    roots: &[PathBuf],
    gone: Vec<PathBuf>,
    losses: Losses,
) -> Result<Verdict, EngineError> {
    let catalog = engine.catalog()?;
    let mut listings = Listings::default();
    // Found again since, or in a folder that cannot be listed now.
    let gone: Vec<PathBuf> =
        gone.into_iter().filter(|path| listings.has(path).is_ok_and(|there| !there || path.is_dir())).collect();
    let (lost, moved) = catalog.lost_and_moved(&gone)?;
    let moved: HashSet<&PathBuf> = moved.iter().collect();
    let mut stay: HashSet<PathBuf> = HashSet::new();
    let mut held = Vec::new();
    for root in roots {
        let absent = catalog.absent_of(root)?;
        let mut is_back = |path: &PathBuf| moved.contains(path) || listings.has(path).is_ok_and(|there| there);
        let back: HashSet<PathBuf> = absent.keys().filter(|path| is_back(path)).cloned().collect();
        catalog.no_longer_absent(back.iter())?;
        let mine = |path: &&PathBuf| path.starts_with(root);
        if losses == Losses::Later {
            stay.extend(lost.iter().filter(mine).cloned());
        }
        if losses != Losses::Guarded {
            continue;
        }
        let (kept, lost): (Vec<PathBuf>, Vec<PathBuf>) =
            lost.iter().filter(mine).cloned().partition(|path| absent.get(path) == Some(&true));
        stay.extend(kept);
        let asked = absent.iter().any(|(path, kept)| !kept && !back.contains(path));
        if asked || is_too_much(engine, root, lost.len())? {
            catalog.ask_for_absent(root, &lost)?;
            stay.extend(gone.iter().filter(mine).filter(|path| !moved.contains(path)).cloned());
        }
    }
    if losses == Losses::Guarded {
        held = catalog.absences()?.into_iter().filter(|absence| roots.contains(&absence.folder)).collect();
    }
    let gone = gone.iter().filter(|path| !stay.contains(*path)).cloned().collect();
    Ok(Verdict { gone, held })
}

fn is_too_much(engine: &Engine, root: &Path, lost: usize) -> Result<bool, EngineError> {
    // Another disk at the same place: nothing that is not on it may be concluded to be gone.
    let few = if lost > 0 && engine.lies_on_another_volume(root)? { 1 } else { FEW };
    Ok(lost >= few && lost as u64 * ONE_IN > engine.catalog()?.files_below(root)?)
}
