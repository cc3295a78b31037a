//! Several models' vectors in one catalogue: changing over, and giving room back.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use sightline_catalog::{Batch, Catalog, KeptVectors, ModelChange, ModelKey, NewPhoto, NewVersion, PhotoId};
use support::{commit, model, open, photo, photo_at};

fn other() -> ModelKey {
    ModelKey("other".into())
}

fn embed(catalog: &Catalog, photos: &[PhotoId]) {
    let vectors = photos.iter().map(|photo| (*photo, other(), vec![0.5; 512])).collect();
    catalog.commit_batch(&Batch { vectors, ..Batch::default() }).unwrap();
}

#[test]
fn a_model_is_taken_into_use_when_no_photo_lacks_its_vector_and_else_nothing_changes() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let photos = commit(&catalog, vec![photo_at(1, "/p/a.jpg"), photo_at(2, "/p/b.jpg"), photo_at(3, "/p/c.jpg")]);
    let version = catalog.add_version(&NewVersion { facts: String::new(), weights: vec![1] }).unwrap().id;
    let change_from = |before, version, passed_over: &[PhotoId]| {
        let settings = [("model", "\"other\"".to_owned()), ("more", "1".to_owned())];
        catalog.change_model(&ModelChange { settings: &settings, before, version, key: &other(), passed_over })
    };
    let change = |version, passed_over: &[PhotoId]| change_from(None, version, passed_over);
    let state =
        || (catalog.setting("model").unwrap(), catalog.setting("more").unwrap(), catalog.version_in_use().unwrap());
    embed(&catalog, &photos[..1]);
    assert!(!change(Some(version), &photos[1..2]).unwrap(), "a photo lacks its vector");
    assert_eq!(state(), (None, None, None));
    // A version that is gone takes nothing with it.
    let gone = sightline_catalog::VersionId(99);
    assert_eq!(change(Some(gone), &photos[1..]).unwrap_err().code(), "version_gone");
    assert_eq!(state(), (None, None, None));
    assert!(change(Some(version), &photos[1..]).unwrap(), "files that cannot be read are passed over");
    assert_eq!(state(), (Some("\"other\"".into()), Some("1".into()), Some(version)));
    embed(&catalog, &photos[1..]);
    assert!(!change(None, &[]).unwrap(), "another version is in use than was thought");
    assert_eq!(state().2, Some(version));
    assert!(change_from(Some(version), None, &[]).unwrap());
    assert_eq!(state().2, None);
    assert_eq!(catalog.version_before().unwrap(), Some(version));
}

#[test]
fn vectors_that_are_freed_give_their_room_back_and_no_other_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let photos: Vec<NewPhoto> = (0..200).map(photo).collect();
    let photos = commit(&catalog, photos);
    embed(&catalog, &photos);
    let kept = catalog.kept_vectors().unwrap();
    let of = |key: ModelKey, dims: u64| KeptVectors { key, count: 200, bytes: 200 * dims * 2 };
    assert_eq!(kept, [of(model(), 8), of(other(), 512)]);
    let before = catalog.load_vectors(&model(), 8).unwrap();
    assert!(matches!(catalog.free_vectors(&[other()], &mut |_, _, _| true), Ok(freed) if freed > 200 * 512));
    assert_eq!(catalog.kept_vectors().unwrap(), [of(model(), 8)]);
    let after = catalog.load_vectors(&model(), 8).unwrap();
    assert!(photos.iter().all(|photo| before.vector(*photo) == after.vector(*photo)));
    assert!(catalog.load_vectors(&other(), 512).unwrap().is_empty());
    assert!(catalog.check().unwrap().is_well());
    // There is nothing more to give.
    assert_eq!(catalog.free_vectors(&[other()], &mut |_, _, _| true).unwrap(), 0);
}
