//! Files that move, pair up, vanish and come back.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::path::{Path, PathBuf};

use sightline_catalog::{
    Batch, CaptionAuthor, Companion, CompanionKind, Conclusion, FolderVolume, NewCaption, Overwrite, PhotoId, Problem,
};
use support::*;

fn volume(folder: &str, id: &str, path: &str) -> FolderVolume {
    FolderVolume { folder: folder.into(), id: id.into(), path: path.into() }
}

fn companion(path: &str, main: &str) -> Companion {
    let (size_bytes, modified_ns) = (9, -5);
    Companion { path: path.into(), main: main.into(), kind: CompanionKind::Raw, size_bytes, modified_ns }
}

fn personal(text: &str) -> NewCaption {
    NewCaption { author: CaptionAuthor::Person, ..NewCaption::of_file(text) }
}

#[test]
fn a_folder_moves_with_all_that_is_known_below_it_and_nothing_else_does() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    for folder in ["/mnt/usb", "/mnt/usb/inner", "/home"] {
        catalog.add_folder(Path::new(folder)).unwrap();
    }
    catalog.set_folder_volume(&volume("/mnt/usb", "A", "")).unwrap();
    catalog.set_folder_volume(&volume("/mnt/usb/inner", "B", "")).unwrap();
    let ids = commit(
        &catalog,
        vec![
            photo_at(1, "/mnt/usb/a.jpg"),
            photo_at(2, "/mnt/usb/sub/b.jpg"),
            photo_at(3, "/mnt/usb/inner/c.jpg"),
            photo_at(4, "/home/d.jpg"),
            photo_at(5, "/mnt/usb2/e.jpg"),
        ],
    );
    let bad = Problem {
        path: "/mnt/usb/bad.jpg".into(),
        code: "broken".into(),
        reason: "x".into(),
        size_bytes: 1,
        modified_ns: 1,
    };
    catalog.commit_batch(&Batch { problems: vec![bad], ..Batch::default() }).unwrap();
    let joined = vec![companion("/mnt/usb/a.nef", "/mnt/usb/a.jpg")];
    catalog.conclude(&Conclusion { joined, ..Conclusion::default() }).unwrap();
    catalog.ask_for_absent(Path::new("/mnt/usb"), &["/mnt/usb/sub/b.jpg".into()]).unwrap();

    assert_eq!(catalog.move_folder(Path::new("/mnt/usb"), Path::new("/media/disk")).unwrap(), 2);
    let places: Vec<PathBuf> = ids.iter().flat_map(|id| catalog.paths_of(*id).unwrap()).collect();
    let expected =
        ["/media/disk/a.jpg", "/media/disk/sub/b.jpg", "/mnt/usb/inner/c.jpg", "/home/d.jpg", "/mnt/usb2/e.jpg"];
    assert_eq!(places, expected.map(PathBuf::from));
    assert_eq!(catalog.folders().unwrap(), ["/home", "/media/disk", "/mnt/usb/inner"].map(PathBuf::from));
    assert_eq!(catalog.folder_volumes().unwrap()[0], volume("/media/disk", "A", ""));
    assert_eq!(catalog.problems().unwrap()[0].path, Path::new("/media/disk/bad.jpg"));
    assert_eq!(catalog.companions_of(ids[0]).unwrap(), [companion("/media/disk/a.nef", "/media/disk/a.jpg")]);
    let absence = catalog.absences().unwrap().remove(0);
    assert_eq!((absence.folder.as_path(), absence.missing, absence.known), (Path::new("/media/disk"), 1, 2));
    assert!(catalog.check().unwrap().is_well());

    catalog.remove_folder(Path::new("/media/disk")).unwrap();
    assert_eq!(catalog.folder_volumes().unwrap(), [volume("/mnt/usb/inner", "B", "")]);
    assert!(catalog.absences().unwrap().is_empty() && catalog.problems().unwrap().is_empty());
}

#[test]
fn what_is_known_at_a_folders_new_place_stays() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    catalog.add_folder(Path::new("/old")).unwrap();
    catalog.add_folder(Path::new("/new")).unwrap();
    let ids = commit(&catalog, vec![photo_at(1, "/old/a.jpg"), photo_at(2, "/old/b.jpg"), photo_at(3, "/new/b.jpg")]);
    catalog.move_folder(Path::new("/old"), Path::new("/new")).unwrap();
    assert_eq!(catalog.folders().unwrap(), [Path::new("/new")]);
    let places = |id: PhotoId| catalog.paths_of(id).unwrap();
    assert_eq!(places(ids[0]), [Path::new("/new/a.jpg")]);
    assert_eq!(places(ids[1]), Vec::<PathBuf>::new());
    assert_eq!(places(ids[2]), [Path::new("/new/b.jpg")]);
}

#[test]
fn an_edited_photo_inherits_what_a_person_gave_it_unless_the_old_one_lies_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let old = commit(&catalog, vec![photo_at(1, "/a.jpg"), photo_at(2, "/b.jpg")]);
    let copy = vec![(location("/copy of b.jpg"), old[1])];
    catalog.commit_batch(&Batch { moves: copy, ..Batch::default() }).unwrap();
    let album = catalog.create_album("Rex").unwrap();
    catalog.add_to_album(album, &old).unwrap();
    for photo in &old {
        catalog.put_caption(*photo, &personal("Rex at the lake"), Overwrite::All).unwrap();
        catalog.add_keyword(*photo, "dog").unwrap();
        catalog.remove_keyword(*photo, "cat").unwrap();
    }
    let mut edited = vec![photo_at(11, "/a.jpg"), photo_at(12, "/b.jpg")];
    edited.iter_mut().for_each(|photo| photo.facts.caption = Some("from the file".into()));
    let successions = vec![(old[0], hash(11)), (old[1], hash(12))];
    let new = catalog.commit_batch(&Batch { photos: edited, successions, ..Batch::default() }).unwrap();
    assert_eq!(catalog.albums_of(new[0]).unwrap(), [album]);
    assert_eq!(catalog.caption(new[0]).unwrap().unwrap().text, "Rex at the lake", "a person's word goes first");
    let words: Vec<_> = catalog.keywords(new[0]).unwrap().into_iter().map(|row| (row.word, row.removed)).collect();
    assert_eq!(words, [("cat".to_owned(), true), ("dog".to_owned(), false)]);
    assert_eq!(catalog.with_words(&["lake"]).unwrap().len(), 2, "the new one, and the copy of the other");
    assert!(catalog.albums_of(old[0]).unwrap().is_empty());
    assert!(catalog.albums_of(new[1]).unwrap().is_empty(), "its photo still lies elsewhere");
    assert_eq!(catalog.albums_of(old[1]).unwrap(), [album]);
    assert_eq!(catalog.caption(new[1]).unwrap().unwrap().text, "from the file");
}

#[test]
fn the_halves_of_a_pair_take_each_others_place() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let raw = commit(&catalog, vec![photo_at(1, "/a.nef")])[0];
    let album = catalog.create_album("Rex").unwrap();
    catalog.add_to_album(album, &[raw]).unwrap();
    let jpeg = commit(&catalog, vec![photo_at(2, "/a.jpg")])[0];
    let joined = vec![companion("/a.nef", "/a.jpg"), companion("/x.nef", "/unknown.jpg")];
    catalog.conclude(&Conclusion { joined, ..Conclusion::default() }).unwrap();
    assert_eq!(catalog.albums_of(jpeg).unwrap(), [album]);
    assert!(catalog.paths_of(raw).unwrap().is_empty(), "it is listed once");
    assert_eq!(catalog.companions_of(jpeg).unwrap(), [companion("/a.nef", "/a.jpg")]);
    assert_eq!(catalog.companions_under(Path::new("/")).unwrap().len(), 1, "nobody's companion is none");
    // The JPEG is deleted, and the RAW file stands for itself again.
    catalog.commit_batch(&Batch { moves: vec![(location("/a.nef"), raw)], ..Batch::default() }).unwrap();
    let (parted, gone) = (vec!["/a.nef".into()], vec!["/a.jpg".into()]);
    assert_eq!(catalog.conclude(&Conclusion { parted, gone, ..Conclusion::default() }).unwrap(), 1);
    assert_eq!(catalog.albums_of(raw).unwrap(), [album]);
    assert!(catalog.companions_under(Path::new("/")).unwrap().is_empty());
}

#[test]
fn a_question_stays_until_it_is_answered_or_the_files_are_back() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let paths: Vec<PathBuf> = (1..=3).map(|number| format!("/p/{number}.jpg").into()).collect();
    commit(&catalog, (1..=3).map(|number| photo_at(number, &format!("/p/{number}.jpg"))).collect());
    let folder = Path::new("/p");
    catalog.ask_for_absent(folder, &paths).unwrap();
    catalog.ask_for_absent(folder, &paths[..1]).unwrap();
    let asked = || catalog.absences().unwrap().into_iter().map(|a| (a.missing, a.known)).collect::<Vec<_>>();
    assert_eq!(asked(), [(3, 3)]);
    catalog.no_longer_absent(&paths[..1]).unwrap();
    assert_eq!(asked(), [(2, 3)]);
    assert_eq!(catalog.keep_absent(folder).unwrap(), 2);
    assert!(asked().is_empty());
    assert_eq!(catalog.absent_of(folder).unwrap().into_values().collect::<Vec<_>>(), [true, true]);
    catalog.conclude(&Conclusion { gone: paths, ..Conclusion::default() }).unwrap();
    assert!(catalog.absent_of(folder).unwrap().is_empty());
}
