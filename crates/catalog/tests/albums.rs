//! What a catalogue promises of albums, facets and dates.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::path::Path;

use sightline_catalog::{DateOrder, Filter, PhotoId};
use support::{commit, forget, open, photo_at};

#[test]
fn an_album_keeps_its_photos_when_their_files_move_or_go() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let ids = commit(&catalog, vec![photo_at(1, "/p/1.jpg"), photo_at(2, "/p/2.jpg"), photo_at(3, "/p/3.jpg")]);
    let album = catalog.create_album("  Rex ").unwrap();
    catalog.add_to_album(album, &[ids[0], ids[1], PhotoId(99)]).unwrap();
    catalog.add_to_album(album, &ids[1..]).unwrap();
    let row = catalog.album(album).unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.photos, row.cover), ("Rex", 3, Some(ids[2])));
    catalog.remove_from_album(album, &ids[2..]).unwrap();
    let in_album = || catalog.select(&Filter { album: Some(album), ..Filter::default() }).unwrap();
    assert_eq!(in_album(), ids[..2]);
    // The disk is unplugged for a year: the photo is hidden, and comes back into its album.
    forget(&catalog, &["/p/1.jpg".into(), "/p/3.jpg".into()]);
    catalog.collect_garbage(1_000, 10).unwrap();
    assert_eq!(catalog.collect_garbage(2_000, 10).unwrap(), 1, "only the photo of no album");
    assert_eq!(in_album(), ids[1..2]);
    assert_eq!(catalog.album(album).unwrap().unwrap().photos, 1);
    assert_eq!(commit(&catalog, vec![photo_at(1, "/q/1.jpg")]), ids[..1]);
    assert_eq!(in_album(), ids[..2]);
    assert_eq!(catalog.albums_of(ids[0]).unwrap(), [album]);
}

#[test]
fn album_names_are_unlike_each_other_and_not_blank() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let first = catalog.create_album("Rex").unwrap();
    let second = catalog.create_album("Anna").unwrap();
    assert_eq!(catalog.create_album(" Rex").unwrap_err().code(), "album_exists");
    assert_eq!(catalog.create_album(" \t").unwrap_err().code(), "album_unnamed");
    assert_eq!(catalog.rename_album(second, "Rex").unwrap_err().code(), "album_exists");
    catalog.rename_album(first, "Rex").unwrap();
    catalog.rename_album(first, "Max").unwrap();
    let names: Vec<_> = catalog.albums().unwrap().into_iter().map(|album| album.name).collect();
    assert_eq!(names, ["Anna", "Max"]);
    catalog.remove_album(first).unwrap();
    assert_eq!(catalog.rename_album(first, "x").unwrap_err().code(), "album_gone");
    assert_eq!(catalog.add_to_album(first, &[]).unwrap_err().code(), "album_gone");
    assert_eq!(catalog.albums().unwrap().len(), 1);
    assert_ne!(catalog.create_album("Rex").unwrap(), first, "a number is not used again");
}

#[test]
fn photos_come_by_date_and_those_without_one_last() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let dates = [Some("2021-05-01T10:00:00"), None, Some("2019-01-01T00:00:00"), Some("2021-05-01T10:00:01+02:00")];
    let photos = dates.iter().zip(1..).map(|(date, number)| {
        let mut photo = photo_at(number, &format!("/p/{number}.jpg"));
        photo.facts.taken_at = date.map(str::to_owned);
        photo.facts.camera = (number > 2).then(|| "X100V".to_owned());
        photo
    });
    let ids = commit(&catalog, photos.collect());
    let by_date = |order| catalog.select_by_date(&Filter::default(), order).unwrap();
    assert_eq!(by_date(DateOrder::NewestFirst), [3, 0, 2, 1].map(|i: usize| ids[i]));
    assert_eq!(by_date(DateOrder::OldestFirst), [2, 0, 3, 1].map(|i: usize| ids[i]));
    let facets = catalog.facets().unwrap();
    let pairs = |facets: Vec<sightline_catalog::Facet>| -> Vec<(String, u64)> {
        facets.into_iter().map(|facet| (facet.value, facet.photos)).collect()
    };
    assert_eq!(pairs(facets.years), [("2021".to_owned(), 2), ("2019".to_owned(), 1)]);
    assert_eq!(pairs(facets.cameras), [("X100V".to_owned(), 2)]);
    assert_eq!(pairs(facets.formats), [("jpeg".to_owned(), 4)]);
}

#[test]
fn removing_a_folder_forgets_what_no_other_folder_holds() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(&dir);
    let paths = ["/p/1.jpg", "/p/in/2.jpg", "/p/in/deep/3.jpg", "/pq/4.jpg"];
    commit(&catalog, paths.iter().zip(1..).map(|(path, number)| photo_at(number, path)).collect());
    for folder in ["/p", "/p/in", "/pq"] {
        catalog.add_folder(Path::new(folder)).unwrap();
    }
    assert_eq!(catalog.photos_below(Path::new("/p")).unwrap(), 3);
    let there = || catalog.select(&Filter::default()).unwrap().len();
    catalog.remove_folder(Path::new("/p/in")).unwrap();
    assert_eq!(there(), 4, "they lie below /p, which stays");
    catalog.add_folder(Path::new("/p/in")).unwrap();
    catalog.remove_folder(Path::new("/p")).unwrap();
    assert_eq!(there(), 3, "/p/in stays");
    catalog.remove_folder(Path::new("/pq")).unwrap();
    assert_eq!(there(), 2);
    assert_eq!(catalog.folders().unwrap(), [Path::new("/p/in")]);
}
