//! What the place is called where a photo was taken, without asking anybody: the nearest of 144,563 towns.
//!
//! Towns, regions and districts are those of GeoNames (<https://www.geonames.org>, CC BY 4.0), built into the crate
//! `reverse_geocoder`.

use std::collections::HashMap;
use std::sync::LazyLock;

use reverse_geocoder::ReverseGeocoder;

use crate::caption_metadata::RecordedPlace;
use crate::metadata::on_earth;

/// A town further away than this says nothing of the photo: it was taken at sea, or in the wild.
const FURTHEST_KM: f64 = 50.0;
/// Mean radius of the earth (IUGG), in kilometres.
const EARTH_KM: f64 = 6371.0088;
/// Code, name and other names of each country; see the head of the file.
const COUNTRIES: &str = include_str!("countries.tsv");

/// A place's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Town, region and country, each once: `Porto, Portugal`.
    pub name: String,
    /// What else it may be asked for by: the district, the country's code and its other names.
    pub other_names: Vec<String>,
}

/// Loaded when the first photo with a position comes; takes about 0.13 s and 49 MB.
static TOWNS: LazyLock<ReverseGeocoder> = LazyLock::new(ReverseGeocoder::new);

/// Names by code.
static NAMES: LazyLock<HashMap<&str, (&str, Option<&str>)>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut fields = line.split('\t');
        Some((fields.next()?, (fields.next()?, fields.next())))
    };
    COUNTRIES.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
});

/// The place at a position in degrees north and east; `None` where no town is within 50 km, and for what is no
/// position.
pub fn place_of(latitude: f64, longitude: f64) -> Option<Place> {
    let (latitude, longitude) = on_earth(latitude, longitude)?;
    let found = TOWNS.search((latitude, longitude));
    if great_circle_km(found.distance) > FURTHEST_KM {
        return None;
    }
    let town = found.record;
    let (country, others) = NAMES.get(town.cc.as_str()).copied().unwrap_or((&town.cc, None));
    let mut parts: Vec<&str> = Vec::with_capacity(3);
    for part in [&town.name, &town.admin1, country] {
        if !part.is_empty() && !parts.contains(&part) {
            parts.push(part);
        }
    }
    let others = others.into_iter().flat_map(|others| others.split(", "));
    let others = [town.admin2.as_str(), &town.cc].into_iter().chain(others);
    let other_names = others.filter(|name| !name.is_empty() && !parts.contains(name)).map(str::to_owned).collect();
    Some(Place { name: parts.join(", "), other_names })
}

/// The place whose names stand in a photo's metadata, with what its position adds. Where a town or a part of it is
/// recorded those are its names, else the position's; all others find it too.
pub fn place_recorded(recorded: &RecordedPlace, position: Option<(f64, f64)>) -> Option<Place> {
    let near = position.and_then(|(latitude, longitude)| place_of(latitude, longitude));
    if recorded.is_empty() {
        return near;
    }
    let by_name = |country: &&str| NAMES.iter().find(|(_, (name, _))| name.eq_ignore_ascii_case(country));
    let code = recorded.country_code.as_deref().map(str::trim).and_then(|code| NAMES.get_key_value(code));
    let country = code.or_else(|| recorded.country.as_deref().and_then(|country| by_name(&country)));
    let of_code = country.map(|(_, (name, _))| (*name).to_owned());
    let name = |names: &[Option<&String>]| {
        let mut parts: Vec<&str> = Vec::new();
        for part in names.iter().flatten().map(|part| part.as_str()) {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        parts.join(", ")
    };
    let town = recorded.city.as_ref().or(recorded.sublocation.as_ref());
    let whole = name(&[town, recorded.state.as_ref(), recorded.country.as_ref().or(of_code.as_ref())]);
    let near_name = near.as_ref().map(|near| near.name.clone());
    let shown = match (near_name, town) {
        (Some(near), None) => near,
        _ if whole.is_empty() => recorded.names().next()?.clone(),
        _ => whole,
    };
    let aliases = country.into_iter().flat_map(|(code, (name, others))| {
        [*code, *name].into_iter().chain(others.iter().flat_map(|others| others.split(", "))).map(str::to_owned)
    });
    let nearby = near.into_iter().flat_map(|near| [near.name].into_iter().chain(near.other_names));
    let mut other_names: Vec<String> = Vec::new();
    for other in recorded.names().cloned().chain(aliases).chain(nearby) {
        if !other_names.contains(&other) && !shown.split(", ").any(|part| part == other) {
            other_names.push(other);
        }
    }
    Some(Place { name: shown, other_names })
}

/// The way over the ground, from the squared chord between two points of the unit sphere, which is what the crate
/// measures.
fn great_circle_km(squared_chord: f64) -> f64 {
    2.0 * EARTH_KM * (squared_chord.sqrt() / 2.0).min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(latitude: f64, longitude: f64) -> Option<String> {
        place_of(latitude, longitude).map(|place| place.name)
    }

    #[test]
    fn photos_of_known_spots_are_where_they_should_be() {
        for (spot, latitude, longitude, wanted) in [
            ("Rossio", 38.7139, -9.1394, "Lisbon, Portugal"),
            ("Ribeira", 41.1403, -8.6110, "Porto, Portugal"),
            ("Central Park", 40.7812, -73.9665, "Manhattan, New York, United States"),
            ("Museum Island", 52.5169, 13.4019, "Berlin, Germany"),
            ("The Bund", 31.2400, 121.4900, "Shanghai, China"),
        ] {
            let place = name(latitude, longitude).unwrap_or_default();
            let told = |part: &str| place.split(", ").any(|own| own == part);
            assert!(wanted.split(", ").skip(1).all(told), "{spot}: {place}");
        }
        let town_hall = place_of(51.5007, -0.1246).unwrap();
        assert!(town_hall.other_names.iter().any(|name| name == "UK"), "{town_hall:?}");
        assert!(town_hall.other_names.iter().any(|name| name == "GB"), "{town_hall:?}");
    }

    #[test]
    fn a_place_that_is_written_down_goes_before_the_nearest_town() {
        let text = |text: &str| Some(text.to_owned());
        let windsor = RecordedPlace {
            city: text("Windsor"),
            state: text("Ontario"),
            country_code: text("CA"),
            ..RecordedPlace::default()
        };
        let place = place_recorded(&windsor, Some((42.3149, -83.0364))).unwrap();
        assert_eq!(place.name, "Windsor, Ontario, Canada");
        assert!(place.other_names.iter().any(|name| name == "CA"));
        let country = RecordedPlace { country: text("Portugal"), ..RecordedPlace::default() };
        let near = place_recorded(&country, Some((41.1403, -8.6110))).unwrap();
        assert!(near.name.ends_with(", Portugal") && near.name != "Portugal", "{near:?}");
        let alone = place_recorded(&country, None).unwrap();
        assert_eq!(alone.name, "Portugal");
        assert!(alone.other_names.contains(&"PT".to_owned()), "{alone:?}");
        let wood = RecordedPlace { sublocation: text("Hainich"), ..RecordedPlace::default() };
        assert_eq!(place_recorded(&wood, None).unwrap().name, "Hainich");
        assert_eq!(place_recorded(&RecordedPlace::default(), None), None);
    }

    #[test]
    fn far_from_any_town_there_is_no_place() {
        for (spot, latitude, longitude) in [
            ("Point Nemo", -48.8767, -123.3933),
            ("the South Pole", -90.0, 0.0),
            ("the North Pole", 90.0, 135.0),
            ("the Atlantic", 35.0, -40.0),
            ("no fix", 0.0, 0.0),
            ("no latitude", f64::NAN, 10.0),
            ("no longitude", 10.0, f64::INFINITY),
            ("off the map", 91.0, 10.0),
            ("off the map", 10.0, -180.1),
        ] {
            assert_eq!(name(latitude, longitude), None, "{spot}");
        }
    }

    #[test]
    fn neither_the_date_line_nor_short_degrees_are_a_wall() {
        // Egvekinot lies at 179.12 degrees west; this is 42 km from it, on the other side of the line.
        let place = name(66.32, 179.95);
        assert!(place.as_deref().is_some_and(|place| place.starts_with("Egvekinot")), "{place:?}");
        assert_eq!(name(66.32, 180.0), name(66.32, -180.0));
        // So far south two degrees are 47 km, and two and a half are 59.
        assert_eq!(name(-77.846, 168.676).as_deref(), Some("McMurdo Station, Antarctica"));
        assert_eq!(name(-77.846, 169.176), None);
    }

    #[test]
    fn distances_are_those_of_the_great_circle() {
        let chord = |a: (f64, f64), b: (f64, f64)| {
            let [a, b] = [a, b].map(|(lat, lon)| reverse_geocoder::degrees_lat_lng_to_unit_sphere(lat, lon));
            a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
        };
        for (from, to, km) in [
            // A degree of the meridian, of the equator, and of the parallel of 80 degrees.
            ((0.0, 0.0), (1.0, 0.0), 111.195),
            ((0.0, 179.5), (0.0, -179.5), 111.195),
            ((80.0, 0.0), (80.0, 1.0), 19.308),
            ((89.9, 0.0), (89.9, 180.0), 22.239),
            ((38.7223, -9.1393), (40.4168, -3.7038), 502.4),
            ((10.0, 20.0), (-10.0, -160.0), 20015.1),
        ] {
            let found = great_circle_km(chord(from, to));
            assert!((found - km).abs() < km * 0.001, "{from:?} to {to:?}: {found} km");
        }
    }

    #[test]
    fn every_town_is_found_at_its_own_spot() {
        // A sample by prime steps over the whole earth; the nearest town must be no further than the one before it.
        let mut found = 0;
        for step in 0..4000_i32 {
            let latitude = f64::from(step * 7919 % 14_000) / 100.0 - 60.0;
            let longitude = f64::from(step * 104_729 % 36_000) / 100.0 - 180.0;
            let nearest = TOWNS.search((latitude, longitude));
            let again = TOWNS.search((nearest.record.lat, nearest.record.lon));
            assert!(great_circle_km(again.distance) < 0.001, "{:?}", nearest.record);
            found += usize::from(great_circle_km(nearest.distance) <= FURTHEST_KM);
        }
        assert!(found > 400, "{found}");
    }

    #[test]
    fn each_country_has_one_name() {
        assert!(NAMES.len() >= 250);
        assert!(NAMES.iter().all(|(code, (name, _))| code.len() == 2 && name.len() > 2));
    }
}
