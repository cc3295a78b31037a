//! The one list of the kinds of jobs: a kind that is not here cannot go on after a pause.

use crate::captions::CaptionJob;
use crate::duplicates::{DuplicatesJob, TrashJob, TrashPhotosJob};
use crate::export::CopyJob;
use crate::forgetting::ForgetJob;
use crate::index::IndexJob;
use crate::jobs::JobKind;
use crate::models::{FetchJob, FreeJob, ImportJob, SwitchJob, VerifyJob};
use crate::teach::{ActivateJob, TeachJob};
use crate::watch::FollowJob;

/// All kinds.
pub(crate) const JOB_KINDS: [JobKind; 15] = [
    JobKind::of::<IndexJob>(),
    JobKind::of::<FollowJob>(),
    JobKind::of::<CaptionJob>(),
    JobKind::of::<CopyJob>(),
    JobKind::of::<TeachJob>(),
    JobKind::of::<ActivateJob>(),
    JobKind::of::<DuplicatesJob>(),
    JobKind::of::<TrashJob>(),
    JobKind::of::<TrashPhotosJob>(),
    JobKind::of::<ForgetJob>(),
    JobKind::of::<FetchJob>(),
    JobKind::of::<ImportJob>(),
    JobKind::of::<SwitchJob>(),
    JobKind::of::<FreeJob>(),
    JobKind::of::<VerifyJob>(),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_fetch_alone_waits_for_a_person_after_the_end_of_its_process() {
        let waiting = JOB_KINDS.iter().filter(|kind| !kind.goes_on_by_itself).map(|kind| kind.name);
        assert_eq!(waiting.collect::<Vec<_>>(), ["fetch"]);
    }

    #[test]
    fn no_two_kinds_have_one_name() {
        let names: BTreeSet<&str> = JOB_KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), JOB_KINDS.len());
    }
}
