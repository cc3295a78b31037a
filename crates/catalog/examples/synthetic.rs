//! Makes a library of as many photos as one likes that do not exist, the same one each time: rows, places in folders
//! of five hundred, thumbnails as large as real ones, albums, captions with common and rare words, a vector that is
//! searched and a descriptor for each.
//!
//! `cargo run --release -p sightline-catalog --example synthetic -- FOLDER COUNT [LIKE [TREE]]`
//!
//! LIKE is a small library of real photos, whose vectors the new ones are drawn around under the same keys, so that
//! the model in use can search them. Without it, or as `-`, they lie around a few thousand random centres. In TREE the
//! files are made too, of a few bytes each: what a scan needs to find that nothing has changed.
#![allow(clippy::unwrap_used, reason = "a measurement may")]

use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sightline_catalog::{
    Batch, CaptionAuthor, Catalog, DateSource, Filter, Location, ModelKey, NewCaption, NewPhoto, Overwrite, PhotoFacts,
    PhotoId, PlaceNames, Reading,
};

/// Numbers in a vector that is searched, and in a descriptor.
const DIMS: [usize; 2] = [512, 1024];
/// Centres of the vectors without a library to take them from.
const CENTRES: usize = 2000;
/// Folder of photos without files.
const MADE_UP: &str = "/made-up";
/// Version of what reads a photo's facts, so that a scan finds them read.
const READER: u32 = 1;
const BATCH: usize = 2000;
const PHOTOS_A_FOLDER: u32 = 500;
const TOWNS: u32 = 700;
/// Photos in the albums; each tenth photo from some place on.
const ALBUMS: [usize; 12] = [20_000, 10_000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 0];
const CAMERAS: [&str; 5] = ["FUJIFILM X100V", "Canon EOS R5", "Apple iPhone 14 Pro", "NIKON Z 6", "Google Pixel 7"];
/// Words of captions, the most common first: every second photo has the first, every fourth the second and so on.
const WORDS: [&str; 12] = [
    "man",
    "street",
    "tree",
    "dog",
    "beach",
    "mountain",
    "bicycle",
    "lighthouse",
    "accordion",
    "zebra",
    "igloo",
    "theremin",
];

/// What the vectors are drawn around.
struct Centres {
    keys: [ModelKey; 2],
    rows: Vec<[Vec<f32>; 2]>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut random = StdRng::seed_from_u64(1);
    let [folder, count, rest @ ..] = arguments.as_slice() else { panic!("synthetic FOLDER COUNT [LIKE [TREE]]") };
    let centres = match rest.first().filter(|like| *like != "-") {
        Some(like) => Centres::of(Path::new(like)),
        None => Centres::made_up(&mut random),
    };
    let tree = rest.get(1).map(|tree| {
        std::fs::create_dir_all(tree).unwrap();
        std::fs::canonicalize(tree).unwrap()
    });
    let catalog = Catalog::open(Path::new(folder)).unwrap();
    catalog.add_folder(tree.as_deref().unwrap_or(Path::new(MADE_UP))).unwrap();
    let numbers: Vec<u32> = (0..count.parse().unwrap()).collect();
    let mut every_tenth = Vec::new();
    for batch in numbers.chunks(BATCH) {
        let photos = batch.iter().map(|&number| photo(&mut random, number, &centres, tree.as_deref())).collect();
        let ids = catalog.commit_batch(&Batch { photos, ..Batch::default() }).unwrap();
        every_tenth.extend(ids.iter().step_by(10).copied());
        let captions: Vec<_> = ids.into_iter().map(|id| (id, caption(&mut random))).collect();
        catalog.put_captions(&captions, Overwrite::Machine).unwrap();
    }
    put_into_albums(&catalog, &every_tenth);
}

impl Centres {
    fn made_up(random: &mut StdRng) -> Self {
        let keys = ["model", "model/descriptor"].map(|key| ModelKey(key.into()));
        let rows = (0..CENTRES).map(|_| DIMS.map(|dims| unit((0..dims).map(|_| gauss(random)).collect()))).collect();
        Self { keys, rows }
    }

    /// The photos of a library, with the model that has the most vectors there.
    fn of(like: &Path) -> Self {
        let like = Catalog::open_read_only(like).unwrap();
        let models = like.status().unwrap().vectors;
        let searched = models.iter().filter(|(key, _)| !key.0.contains('/')).max_by_key(|(_, count)| *count);
        let searched = searched.expect("the library has vectors").0.clone();
        let keys = [searched.clone(), ModelKey(format!("{}/descriptor", searched.0))];
        let photos = like.select(&Filter::default()).unwrap();
        let [vectors, descriptors] = [0, 1].map(|kind| like.vectors_of(&keys[kind], &photos).unwrap());
        let both = vectors.into_iter().zip(descriptors).filter_map(|(vector, descriptor)| vector.zip(descriptor));
        Self { keys, rows: both.map(|(vector, descriptor)| [unit(vector), unit(descriptor)]).collect() }
    }
}

fn unit(mut row: Vec<f32>) -> Vec<f32> {
    let length = row.iter().map(|number| number * number).sum::<f32>().sqrt();
    row.iter_mut().for_each(|number| *number /= length);
    row
}

/// About a normal distribution of mean 0 and deviation 1.
fn gauss(random: &mut StdRng) -> f32 {
    (0..4).map(|_| random.random_range(-0.866f32..0.866)).sum()
}

/// Where the photo lies, and its file if there is a tree to put it in.
fn place(number: u32, name: &str, tree: Option<&Path>) -> Location {
    let reading = Reading { version: READER, ..Reading::default() };
    let Some(tree) = tree else {
        let (path, size_bytes) = (Path::new(MADE_UP).join(name), 4_000_000 + u64::from(number));
        return Location { path, size_bytes, modified_ns: 1_700_000_000_000_000_000, reading };
    };
    let path = tree.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, number.to_string()).unwrap();
    let metadata = std::fs::metadata(&path).unwrap();
    let since = metadata.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    Location { path, size_bytes: metadata.len(), modified_ns: since.as_nanos() as i64, reading }
}

fn photo(random: &mut StdRng, number: u32, centres: &Centres, tree: Option<&Path>) -> NewPhoto {
    let mut hash = [0; 32];
    // Spread as real hashes are.
    hash[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
    let centre = &centres.rows[random.random_range(0..centres.rows.len())];
    // From another shot of the same (a cosine of 0.96) to something of the same kind (0.6).
    let distance = random.random_range(0.3f32..1.3);
    let vector = |random: &mut StdRng, centre: &[f32]| {
        let each = distance / (centre.len() as f32).sqrt();
        unit(centre.iter().map(|number| number + each * gauss(random)).collect())
    };
    let vectors = centres.keys.iter().zip(centre).map(|(key, centre)| (key.clone(), vector(random, centre))).collect();
    let folder = number / PHOTOS_A_FOLDER;
    let (year, month, day) = (2000 + folder % 25, folder / 25 % 12 + 1, folder % 28 + 1);
    let name = format!("{year}/{month:02}-{day:02} Trip {folder}/IMG_{number:07}.jpg");
    let location = place(number, &name, tree);
    let taken_at = (!number.is_multiple_of(10))
        .then(|| format!("{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}", number % 24, number % 60, number / 7 % 60));
    // A folder is a trip to one town, and each second camera writes where it was.
    let town = folder % TOWNS;
    let place = folder.is_multiple_of(2).then(|| PlaceNames {
        name: format!("Town {town}, Country {}", town % 40),
        other_names: vec![format!("Region {}", town % 200)],
    });
    NewPhoto {
        hash,
        width: 4000,
        height: 3000,
        orientation: 1,
        facts: PhotoFacts {
            date_source: taken_at.as_ref().map(|_| DateSource::Exif),
            taken_at,
            camera: Some(CAMERAS[folder as usize % CAMERAS.len()].into()),
            lens: Some(format!("{} mm", 10 + folder % 37)),
            latitude: place.is_some().then(|| f64::from(town % 120) - 60.0),
            longitude: place.is_some().then(|| f64::from(town % 360) - 180.0),
            place,
            rating: number.is_multiple_of(7).then_some((number / 7 % 6) as i8),
            keywords: if number.is_multiple_of(100) { vec!["favourite".into()] } else { Vec::new() },
            ..PhotoFacts::default()
        },
        format: if number.is_multiple_of(50) { "png" } else { "jpeg" }.into(),
        size_bytes: location.size_bytes,
        fingerprint: Some(random.random()),
        thumbnail_jpeg: vec![number as u8; 9_000],
        locations: vec![location],
        vectors,
    }
}

fn caption(random: &mut StdRng) -> NewCaption {
    let words: Vec<&str> = WORDS
        .iter()
        .zip(1..)
        .filter(|(_, rank)| random.random_bool(0.5f64.powi(*rank)))
        .map(|(word, _)| *word)
        .collect();
    let text = if words.is_empty() { "an indoor scene".to_owned() } else { format!("a {}", words.join(" and a ")) };
    let person = random.random_bool(0.05);
    NewCaption {
        text,
        author: if person { CaptionAuthor::Person } else { CaptionAuthor::Machine },
        model: (!person).then(|| "made-up".into()),
        settings: None,
        confidence: (!person).then_some(-0.5),
    }
}

fn put_into_albums(catalog: &Catalog, photos: &[PhotoId]) {
    for (number, size) in ALBUMS.into_iter().enumerate() {
        let album = catalog.create_album(&format!("Album {number}")).unwrap();
        let from = (number * 997) % photos.len().max(1);
        let members: Vec<PhotoId> = photos.iter().cycle().skip(from).take(size.min(photos.len())).copied().collect();
        catalog.add_to_album(album, &members).unwrap();
    }
}
