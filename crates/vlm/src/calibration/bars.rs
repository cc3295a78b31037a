//! Bars for a model that ships none: measured on photos and queries that were not chosen for each other.
//!
//! Of a query and a photo taken at random nearly all are no match, so a bar that few such pairs reach is one that few
//! wrong photos reach; the pairs that do match only raise it, and nobody has to say which they are. The pairs are scored
//! as those of a library will be: by a background that the photo is not in.

use super::Calibration;
use crate::{Embedding, Thresholds};

/// Shares of random pairs that may reach a bar: a fifth below the promise, 1 in 40 and 1 in 200, as a quantile of a sample
/// is not that of all photos.
const POSSIBLE: f64 = 0.8 / 40.0;
const STRONG: f64 = 0.8 / 200.0;
/// A tag is proposed without being asked for.
const TAG: f64 = 1.0 / 1_000.0;
/// Parts of the background, each scored by the others.
const PARTS: usize = 4;
/// With fewer photos a quantile of the others says nothing.
const LEAST_PHOTOS: usize = 24;

/// The bars that a pair of a random query and a random photo passes in at most 1 of 40 cases (possible) and 1 of 200
/// (strong). What only a model's own data can tell, `exclude` and `caption`, is taken from `others`.
///
/// None for fewer than 24 photos, or without queries.
pub fn measure(photos: &[Embedding], queries: &[Embedding], others: Thresholds) -> Option<Thresholds> {
    if photos.len() < LEAST_PHOTOS || queries.is_empty() {
        return None;
    }
    let (mut scores, mut tags) = (Vec::new(), Vec::new());
    for part in 0..PARTS {
        let is_of_part = |(index, photo): (usize, _)| (index % PARTS == part).then_some(photo);
        let judged: Vec<&Embedding> = photos.iter().enumerate().filter_map(is_of_part).collect();
        let rest = photos.iter().enumerate().filter(|(index, _)| index % PARTS != part);
        let calibration = Calibration::new(rest.map(|(_, photo)| photo.clone()).collect(), others);
        for query in queries {
            let scale = calibration.scale(query);
            scores.extend(judged.iter().map(|photo| scale.z(photo.dot(query))));
            tags.extend(judged.iter().map(|photo| scale.tag_score(photo.dot(query))));
        }
    }
    let possible = passed_by(&mut scores, POSSIBLE);
    let strong = passed_by(&mut scores, STRONG).max(possible);
    Some(Thresholds { possible, strong, tag: passed_by(&mut tags, TAG), ..others })
}

/// The score that at most this share of `scores` is above.
fn passed_by(scores: &mut [f32], share: f64) -> f32 {
    scores.sort_by(f32::total_cmp);
    let above = (share * scores.len() as f64) as usize;
    scores[scores.len() - 1 - above.min(scores.len() - 1)]
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::{DeviceChoice, Match, Model};

    const DIMS: usize = 48;
    const SUBJECTS: usize = 200;

    /// Photos or queries, with their subjects.
    type Drawn = Vec<(usize, Embedding)>;

    /// Photos of two hundred subjects and queries for them, in a space where some queries are near to every photo.
    fn world(seed: u64, photos: usize, queries: usize) -> (Drawn, Drawn) {
        let mut subjects = StdRng::seed_from_u64(1);
        let draw = |rng: &mut StdRng| -> Vec<f32> { (0..DIMS).map(|_| rng.random_range(-1.0f32..1.0)).collect() };
        let subject: Vec<Vec<f32>> = (0..SUBJECTS).map(|_| draw(&mut subjects)).collect();
        let common = draw(&mut subjects);
        let mut rng = StdRng::seed_from_u64(seed);
        let mut one = |index: usize, noise: f32, near: f32| {
            let own = draw(&mut rng);
            let at = |i: usize| subject[index % SUBJECTS][i] + noise * own[i] + near * (index % 7) as f32 * common[i];
            (index % SUBJECTS, Embedding::normalised((0..DIMS).map(at).collect()).unwrap())
        };
        ((0..photos).map(|i| one(i, 1.0, 0.1)).collect(), (0..queries).map(|i| one(i, 0.5, 0.3)).collect())
    }

    /// Shares of wrong photos that are possible and strong, and of right ones that are at least possible.
    fn shares(calibration: &Calibration, photos: &[(usize, Embedding)], queries: &[(usize, Embedding)]) -> [f64; 3] {
        let (mut wrong, mut right) = (Vec::new(), Vec::new());
        for (subject, query) in queries {
            let scale = calibration.scale(query);
            for (own, photo) in photos {
                let verdict = scale.judge(photo.dot(query));
                if own == subject { right.push(verdict) } else { wrong.push(verdict) }
            }
        }
        let share = |all: &[Match], least| all.iter().filter(|v| **v >= least).count() as f64 / all.len() as f64;
        [share(&wrong, Match::Possible), share(&wrong, Match::Strong), share(&right, Match::Possible)]
    }

    #[test]
    fn wrong_photos_that_the_bars_have_not_seen_pass_them_as_seldom_as_promised() {
        let only = |all: &[(usize, Embedding)]| all.iter().map(|(_, one)| one.clone()).collect::<Vec<_>>();
        for seed in 0..6 {
            let (photos, queries) = world(10 + seed, [40, 120, 400][seed as usize % 3], 60);
            let bars = measure(&only(&photos), &only(&queries), Thresholds::default()).unwrap();
            let (unseen, asked) = world(100 + seed, 600, 200);
            let [possible, strong, found] = shares(&Calibration::new(only(&photos), bars), &unseen, &asked);
            assert!(possible <= 1.0 / 40.0 && strong <= 1.0 / 200.0, "{seed}: {possible} {strong}");
            assert!(found > 1.0 / 3.0, "{seed}: and what is right is found: {found}");
        }
    }

    #[test]
    fn the_bundled_model_could_be_calibrated_so_too() {
        let model = Model::load(&crate::golden::model(), DeviceChoice::Cpu).unwrap();
        let words = "dog cat beach snow car bicycle child mountain city street boat food flower bird horse train football
            night sunset tree house river bridge kitchen book guitar umbrella crowd dancer skateboard tent bus apple cake
            castle desert forest swimmer climber runner";
        let queries = model.embed_texts(&words.split_whitespace().collect::<Vec<_>>()).unwrap();
        let (seen, unseen) = model.background().0.split_at(500);
        let (known, asked) = queries.split_at(20);
        let bars = measure(seen, known, Thresholds::default()).unwrap();
        let calibration = Calibration::new(seen.to_vec(), bars);
        let (mut possible, mut strong, mut all) = (0, 0, 0);
        for query in asked {
            let scale = calibration.scale(query);
            for photo in unseen {
                all += 1;
                let verdict = scale.judge(photo.dot(query));
                possible += usize::from(verdict >= Match::Possible);
                strong += usize::from(verdict >= Match::Strong);
            }
        }
        // Of all pairs, right ones too, which only makes more.
        println!("bars {bars:?}: {possible} and {strong} of {all}");
        assert!(possible * 40 <= all && strong * 200 <= all, "{bars:?}: {possible} and {strong} of {all}");
        assert!(possible > 0, "and some pass");
    }

    #[test]
    fn too_few_photos_give_no_bars() {
        let (photos, queries) = world(1, LEAST_PHOTOS - 1, 5);
        let only = |all: &[(usize, Embedding)]| all.iter().map(|(_, one)| one.clone()).collect::<Vec<_>>();
        assert_eq!(measure(&only(&photos), &only(&queries), Thresholds::default()), None);
        assert_eq!(measure(&only(&world(1, 50, 0).0), &[], Thresholds::default()), None);
    }
}
