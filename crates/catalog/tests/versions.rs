//! Versions of the model, answers to suggestions, and what jobs have reached.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use sightline_catalog::{Batch, Catalog, NewVersion, PhotoId, Verdict, VersionId};
use support::{model, photo, vector};

fn version(weights: u8) -> NewVersion {
    NewVersion { facts: "{}".into(), weights: vec![weights] }
}

#[test]
fn a_version_is_taken_into_use_and_the_way_back_leads_step_by_step() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(dir.path()).unwrap();
    let [one, two] = [1, 2].map(|weights| catalog.add_version(&version(weights)).unwrap());
    assert_eq!((one.name.as_str(), two.name.as_str()), ("v1", "v2"));
    assert_eq!(catalog.version_in_use().unwrap(), None);
    catalog.use_version(Some(one.id), false).unwrap();
    catalog.use_version(Some(two.id), false).unwrap();
    assert_eq!(catalog.version_in_use().unwrap(), Some(two.id));
    assert_eq!(catalog.remove_version(two.id).unwrap_err().code(), "version_in_use");
    for before in [Some(one.id), None, None] {
        assert_eq!(catalog.version_before().unwrap(), before);
        catalog.use_version(before, true).unwrap();
        assert_eq!(catalog.version_in_use().unwrap(), before);
    }
    catalog.remove_version(two.id).unwrap();
    assert_eq!(catalog.version_weights(two.id).unwrap_err().code(), "version_gone");
    assert_eq!(catalog.use_version(Some(VersionId(9)), false).unwrap_err().code(), "version_gone");
    assert_eq!(catalog.add_version(&version(3)).unwrap().name, "v3", "a name is never used again");
}

#[test]
fn an_answer_is_kept_changed_and_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(dir.path()).unwrap();
    let ids = catalog.commit_batch(&Batch { photos: vec![photo(1), photo(2)], ..Batch::default() }).unwrap();
    catalog.answer(ids[0], "Rex", Verdict::Yes).unwrap();
    catalog.answer(ids[0], "Rex", Verdict::No).unwrap();
    catalog.answer(ids[1], "\u{5c0f}\u{767d}", Verdict::Yes).unwrap();
    let answers = || -> Vec<(PhotoId, Verdict)> {
        catalog.answers().unwrap().into_iter().map(|row| (row.photo, row.answer)).collect()
    };
    assert_eq!(answers(), [(ids[0], Verdict::No), (ids[1], Verdict::Yes)]);
    catalog.take_back_answer(ids[0], "Rex").unwrap();
    assert_eq!(answers(), [(ids[1], Verdict::Yes)]);
    assert_eq!(catalog.answer(PhotoId(99), "Rex", Verdict::Yes).unwrap_err().code(), "photo_unknown");
}

#[test]
fn vectors_are_read_for_some_photos_or_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(dir.path()).unwrap();
    let ids = catalog.commit_batch(&Batch { photos: vec![photo(1), photo(2)], ..Batch::default() }).unwrap();
    let found = catalog.vectors_of(&model(), &[ids[1], PhotoId(99), ids[0]]).unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-2);
    assert!(near(found[0].as_ref().unwrap(), &vector(2)) && near(found[2].as_ref().unwrap(), &vector(1)));
    let mut shown = Vec::new();
    catalog.each_vector(&model(), |photo, vector| shown.push((photo, vector.len()))).unwrap();
    assert_eq!(shown, [(ids[0], vector(1).len()), (ids[1], vector(2).len())]);
}

#[test]
fn what_a_job_has_reached_goes_with_the_job() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(dir.path()).unwrap();
    let job = catalog.insert_job("teach", "{}").unwrap();
    assert_eq!(catalog.checkpoint(job, 4).unwrap(), None);
    catalog.keep_checkpoint(job, b"half").unwrap();
    catalog.keep_checkpoint(job, b"more").unwrap();
    drop(catalog);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert_eq!(catalog.checkpoint(job, 4).unwrap().as_deref(), Some(&b"more"[..]));
    assert_eq!(catalog.checkpoint(job, 3).unwrap().as_deref(), Some(&b""[..]), "more bytes than anybody asked for");
    catalog.drop_checkpoint(job).unwrap();
    assert_eq!(catalog.checkpoint(job, 4).unwrap(), None);
}
