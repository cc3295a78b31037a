//! Dates, places and ratings that other programs wrote, as filters of the built command line.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::{World, root};

/// Runs exiftool on a photo; false, loudly, where there is no exiftool.
fn exiftool(photo: &Path, arguments: &[&str]) -> bool {
    match Command::new("exiftool").args(["-q", "-overwrite_original"]).args(arguments).arg(photo).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(_) => {
            eprintln!("SKIPPED: exiftool is missing; scripts/setup.sh --tests installs it");
            false
        }
    }
}

#[test]
fn places_ratings_and_dates_of_other_programs_are_found() {
    let world = World::new();
    let photo = |name: &str, sample: &str| {
        let path = world.photos().join(name);
        std::fs::copy(root().join("assets/samples").join(sample), &path).unwrap();
        path
    };
    let lisbon = ["-GPSLatitude=38.7139", "-GPSLatitudeRef=N", "-GPSLongitude=9.1394", "-GPSLongitudeRef=W"];
    let taken =
        ["-DateTimeOriginal=2021:06:30 12:05:01", "-OffsetTimeOriginal=+01:00", "-Model=X100V", "-Make=FUJIFILM"];
    let good = photo("good.jpg", "lock.jpg");
    if !exiftool(&good, &[&lisbon[..], &taken, &["-XMP-xmp:Rating=5"]].concat()) {
        return;
    }
    let poor = photo("poor.jpg", "desk.jpg");
    exiftool(&poor, &[&lisbon[..], &["-Rating=2", "-DateTimeOriginal=2020:01:01 00:00:00"]].concat());
    let beside = photo("beside.png", "coffee.png");
    let sidecar = world.photos().join("beside.xmp");
    exiftool(&sidecar, &["-XMP-exif:GPSLatitude=38.72", "-XMP-exif:GPSLongitude=-9.14", "-XMP-xmp:Rating=4"]);
    let recent = "-DateTimeOriginal=2022:02:02 02:02:02";
    let elsewhere = photo("elsewhere.jpg", "beach.jpg");
    exiftool(
        &elsewhere,
        &["-GPSLatitude=41.15", "-GPSLatitudeRef=N", "-GPSLongitude=8.61", "-GPSLongitudeRef=W", "-Rating=5", recent],
    );
    photo("IMG_20190102_030405.jpg", "boats.jpg");
    world.index();

    let found = |query: &str| {
        let mut names = world.search(query);
        names.sort();
        names
    };
    assert_eq!(found("in:Lisbon rating>=4"), ["beside.png", "good.jpg"]);
    assert_eq!(found("in:lisbon"), ["beside.png", "good.jpg", "poor.jpg"]);
    assert_eq!(found("camera:x100v after:2021-06 in:Lisbon rating>=4"), ["good.jpg"]);
    assert_eq!(found("in:Portugal rating<3"), ["poor.jpg"]);
    assert_eq!(found("before:2020"), ["IMG_20190102_030405.jpg"]);

    let lines = world.json(&["search", "--json", "in:Lisbon rating:5"], 0);
    let hit = &lines[0];
    assert_eq!((&hit["taken_at"], &hit["date_source"]), (&"2021-06-30T12:05:01+01:00".into(), &"exif".into()));
    assert_eq!((&hit["place"], &hit["rating"]), (&"Lisbon, Portugal".into(), &5.into()));
    let told = world.run(&["search", "before:2020"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("2019-01-02 (guessed from the file name)"), "{told}");

    // A rating that another program takes off is gone after the next run, and no photo is looked at again.
    exiftool(&sidecar, &["-XMP-xmp:Rating=1"]);
    let summary = world.index();
    assert_eq!((&summary["reread"], &summary["embedded"]), (&Value::from(1), &Value::from(0)));
    assert_eq!(found("in:Lisbon rating>=4"), ["good.jpg"]);
    assert!(beside.is_file());
}
