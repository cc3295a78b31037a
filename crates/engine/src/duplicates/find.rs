//! From fingerprints to groups.

use std::collections::{HashMap, HashSet};

use sightline_media::{Fingerprint, NearPrints};

/// Fingerprints of what may be near-duplicates differ in at most so many of 64 places, when their vectors' cosine is at
/// least so much. Low, since the pixels have the last word (`proof`); chosen on one half of photos that were re-encoded,
/// scaled, cropped, brightened and shot in bursts (`benches/duplicates`).
pub(super) const BARS: [(u32, f32); 2] = [(11, 0.60), (8, 0.50)];

/// The most places in which near-duplicates may differ.
pub(super) const FARTHEST: u32 = 11;

/// Of photos of the very same or of two near fingerprints so many are compared with each other: blank pages, of which
/// there may be thousands, are not all held against all.
const MOST_OF_ONE_PRINT: usize = 64;

/// Whether two photos may be near-duplicates.
pub(super) fn are_near(distance: u32, cosine: f32) -> bool {
    BARS.iter().any(|(most, least)| distance <= *most && cosine >= *least)
}

/// Photos by fingerprint, to be asked which may be near-duplicates.
pub(super) struct Candidates<T> {
    near: NearPrints,
    /// The photos of each of its fingerprints.
    photos: Vec<Vec<T>>,
}

impl<T: Copy> Candidates<T> {
    /// All photos with their fingerprints; near is what differs in `most` places or fewer.
    pub fn new(prints: impl Iterator<Item = (T, Fingerprint)> + Clone, most: u32) -> Self {
        let near = NearPrints::new(prints.clone().map(|(_, print)| print), most);
        let mut photos = vec![Vec::new(); near.len()];
        for (photo, print) in prints {
            let number = near.number(print).expect("it was made of these");
            photos[number].push(photo);
        }
        Self { near, photos }
    }

    /// Different fingerprints.
    pub fn len(&self) -> usize {
        self.photos.len()
    }

    /// Pairs that may be near-duplicates, of photos of the fingerprint `number` with each other and with those that come
    /// after it, with the places in which they differ.
    pub fn pairs(&self, number: usize, found: &mut Vec<usize>, mut tell: impl FnMut(T, T, u32)) {
        let own = &self.photos[number];
        for (at, one) in own.iter().enumerate() {
            for other in own[at + 1..].iter().take(MOST_OF_ONE_PRINT) {
                tell(*one, *other, 0);
            }
        }
        let print = self.near.print(number);
        self.near.near_after(number, found);
        for &near in &*found {
            let distance = print.distance(self.near.print(near));
            for one in own.iter().take(MOST_OF_ONE_PRINT) {
                for other in self.photos[near].iter().take(MOST_OF_ONE_PRINT) {
                    tell(*one, *other, distance);
                }
            }
        }
    }
}

/// Numbers of groups, so that photos with equal or near fingerprints are of one, also by way of others; a group's number
/// is that of its first photo. A photo without a fingerprint is alone.
///
/// What is shown as a duplicate is proven on pixels; here nothing is, and it is better that two photos are taken for one
/// than one for two. So flat pictures, whose fingerprints tell little, are of one group when they are equal; near ones
/// would all be of one.
pub(crate) fn linked(prints: &[Option<Fingerprint>], most: u32) -> Vec<usize> {
    let near = NearPrints::new(prints.iter().flatten().copied(), most);
    let mut first: Vec<Option<usize>> = vec![None; near.len()];
    let mut group: Vec<usize> = (0..prints.len()).collect();
    for (index, print) in prints.iter().enumerate() {
        if let Some(print) = print {
            group[index] = *first[near.number(*print).expect("it was made of these")].get_or_insert(index);
        }
    }
    let mut found = Vec::new();
    for number in (0..near.len()).filter(|number| near.print(*number).is_telling()) {
        near.near_after(number, &mut found);
        for &other in found.iter().filter(|other| near.print(**other).is_telling()) {
            let (Some(one), Some(other)) = (first[number], first[other]) else { continue };
            let (one, other) = (root(&mut group, one), root(&mut group, other));
            group[one.max(other)] = one.min(other);
        }
    }
    (0..prints.len()).map(|index| root(&mut group, index)).collect()
}

/// The first photo of a group. Ways that were gone become shorter (Tarjan and van Leeuwen 1984, halving).
fn root(group: &mut [usize], mut index: usize) -> usize {
    while group[index] != index {
        group[index] = group[group[index]];
        index = group[index];
    }
    index
}

/// Groups in which each is near the best one: a long burst of which the first and the last differ becomes several. The
/// best of those not yet in a group (`best_of` gives its place) leads the next one.
pub(super) fn led_by_the_best<E>(
    pairs: &[(i64, i64)],
    mut best_of: impl FnMut(&[i64]) -> Result<usize, E>,
) -> Result<Vec<Vec<i64>>, E> {
    let mut near: HashMap<i64, Vec<i64>> = HashMap::new();
    for (one, other) in pairs {
        near.entry(*one).or_default().push(*other);
        near.entry(*other).or_default().push(*one);
    }
    let mut starts: Vec<i64> = near.keys().copied().collect();
    starts.sort_unstable();
    let (mut seen, mut groups) = (HashSet::new(), Vec::new());
    for start in starts {
        if !seen.insert(start) {
            continue;
        }
        let mut linked = vec![start];
        let mut at = 0;
        while at < linked.len() {
            linked.extend(near[&linked[at]].iter().copied().filter(|other| seen.insert(*other)));
            at += 1;
        }
        linked.sort_unstable();
        while linked.len() > 1 {
            let best = linked[best_of(&linked)?];
            let own: HashSet<i64> = near[&best].iter().copied().collect();
            let (group, rest): (Vec<i64>, Vec<i64>) =
                linked.into_iter().partition(|photo| *photo == best || own.contains(photo));
            if group.len() > 1 {
                groups.push(group);
            }
            linked = rest;
        }
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_have_to_agree() {
        assert!(are_near(0, 0.51) && are_near(11, 0.61) && are_near(8, 0.50));
        assert!(!are_near(0, 0.49), "alike to the fingerprint alone");
        assert!(!are_near(12, 0.99), "alike to the model alone");
        assert!(!are_near(9, 0.59));
        assert_eq!(BARS.iter().map(|(most, _)| *most).max(), Some(FARTHEST));
    }

    #[test]
    fn every_one_is_near_the_one_that_is_kept() {
        // A burst 1-2-3-4-5, each near its neighbours only; the greatest number is the best.
        let pairs = [(1, 2), (2, 3), (3, 4), (4, 5), (10, 11)];
        let groups = led_by_the_best(&pairs, |photos| Ok::<_, ()>(photos.len() - 1)).unwrap();
        assert_eq!(groups, [vec![4, 5], vec![2, 3], vec![10, 11]]);
    }

    #[test]
    fn links_go_by_way_of_others_and_photos_without_a_fingerprint_are_alone() {
        const BASE: u64 = 0x0f0f_0f0f_0000_0000;
        let prints = [Some(BASE), None, Some(BASE | 0b0111), Some(!BASE), Some(BASE | 0b11_1111), Some(!BASE)];
        let of = |prints: &[Option<u64>]| prints.iter().map(|print| print.map(Fingerprint)).collect::<Vec<_>>();
        assert_eq!(linked(&of(&prints), 4), [0, 1, 0, 3, 0, 3]);
        // Of flat pictures only equal fingerprints say anything.
        assert_eq!(linked(&of(&[Some(0), Some(0), Some(1), Some(u64::MAX), Some(u64::MAX)]), 4), [0, 0, 2, 3, 3]);
    }
}
