//! Which of many fingerprints lie near each other, without comparing all pairs.
//!
//! Multi-index hashing (Norouzi, Punjani and Fleet 2012): fingerprints that differ in few places differ in fewer of one
//! of four parts, so it is enough to look where a part is almost the same, and to compare exactly there.

use crate::Fingerprint;

/// Parts of a fingerprint, and bits of each.
const PARTS: usize = 4;
const BITS: u32 = 16;

/// Different fingerprints, ready to be asked which are near.
#[derive(Debug)]
pub struct NearPrints {
    /// Sorted; none twice.
    prints: Vec<u64>,
    parts: [Part; PARTS],
    /// Places in which near ones differ at most.
    most: u32,
    /// What to flip in a part to find what may be near.
    flips: Vec<u16>,
}

/// Numbers of fingerprints by the value of one part: those of `value` are `members[starts[value]..starts[value + 1]]`.
#[derive(Debug)]
struct Part {
    starts: Vec<u32>,
    members: Vec<u32>,
}

fn part(print: u64, number: usize) -> u16 {
    (print >> (BITS as usize * number)) as u16
}

impl NearPrints {
    /// Ready to find what differs in `most` of 64 places or fewer; of equal fingerprints one is kept.
    ///
    /// # Panics
    /// When there are 2^32 different ones.
    pub fn new(prints: impl IntoIterator<Item = Fingerprint>, most: u32) -> Self {
        let mut prints: Vec<u64> = prints.into_iter().map(|print| print.0).collect();
        prints.sort_unstable();
        prints.dedup();
        assert!(u32::try_from(prints.len()).is_ok(), "more fingerprints than photos on earth");
        // Of the differences the least loaded part has a quarter at most.
        let apart = most / PARTS as u32;
        let flips = (0..=u16::MAX).filter(|flip| flip.count_ones() <= apart).collect();
        let parts = std::array::from_fn(|number| Part::of(&prints, number));
        Self { prints, parts, most, flips }
    }

    /// Different fingerprints; their numbers are smaller, and in the order of their bits.
    pub fn len(&self) -> usize {
        self.prints.len()
    }

    /// Whether there is no fingerprint.
    pub fn is_empty(&self) -> bool {
        self.prints.is_empty()
    }

    /// The fingerprint of a number.
    ///
    /// # Panics
    /// When there is no such number.
    pub fn print(&self, number: usize) -> Fingerprint {
        Fingerprint(self.prints[number])
    }

    /// The number of a fingerprint.
    pub fn number(&self, print: Fingerprint) -> Option<usize> {
        self.prints.binary_search(&print.0).ok()
    }

    /// Puts into `near` the numbers of the fingerprints that are near that of `number` and come after it, sorted.
    ///
    /// # Panics
    /// When there is no such number.
    pub fn near_after(&self, number: usize, near: &mut Vec<usize>) {
        near.clear();
        let own = self.prints[number];
        for (at, table) in self.parts.iter().enumerate() {
            for flip in &self.flips {
                let value = usize::from(part(own, at) ^ flip);
                let members = &table.members[table.starts[value] as usize..table.starts[value + 1] as usize];
                let after = members.partition_point(|member| *member as usize <= number);
                for &other in &members[after..] {
                    let difference = own ^ self.prints[other as usize];
                    // An earlier part may have found it already.
                    let found = (0..at).any(|earlier| self.is_looked_at(part(difference, earlier)));
                    if difference.count_ones() <= self.most && !found {
                        near.push(other as usize);
                    }
                }
            }
        }
        near.sort_unstable();
    }

    fn is_looked_at(&self, difference: u16) -> bool {
        difference.count_ones() <= self.most / PARTS as u32
    }
}

impl Part {
    /// A counting sort by one part; members of a value stay sorted.
    fn of(prints: &[u64], number: usize) -> Self {
        let mut starts = vec![0u32; (1 << BITS) + 1];
        for print in prints {
            starts[usize::from(part(*print, number)) + 1] += 1;
        }
        for value in 0..1 << BITS {
            starts[value + 1] += starts[value];
        }
        let (mut next, mut members) = (starts.clone(), vec![0u32; prints.len()]);
        for (index, print) in prints.iter().enumerate() {
            let slot = &mut next[usize::from(part(*print, number))];
            members[*slot as usize] = index as u32;
            *slot += 1;
        }
        Self { starts, members }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern (splitmix64, Steele et al. 2014).
    fn random(seed: u64) -> u64 {
        let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Fingerprints in clusters: each flips a few of its centre's bits.
    fn clustered(count: u64) -> Vec<Fingerprint> {
        let flips = |seed: u64| (0..seed % 9).fold(0u64, |bits, i| bits | 1 << (random(seed * 31 + i) % 64));
        (0..count).map(|i| Fingerprint(random(i / 8) ^ flips(random(i) % 1000))).collect()
    }

    #[test]
    fn it_finds_what_comparing_all_pairs_finds() {
        for most in [0, 1, 3, 4, 7, 8, 11, 12] {
            let near = NearPrints::new(clustered(1500), most);
            let prints: Vec<Fingerprint> = (0..near.len()).map(|number| near.print(number)).collect();
            let (mut pairs, mut found) = (0, Vec::new());
            for number in 0..prints.len() {
                near.near_after(number, &mut found);
                let want: Vec<usize> = (number + 1..prints.len())
                    .filter(|&other| prints[number].distance(prints[other]) <= most)
                    .collect();
                assert_eq!(found, want, "at most {most}");
                pairs += found.len();
            }
            assert!(most < 3 || pairs > 500, "{pairs} pairs of {most}");
        }
    }

    #[test]
    fn equal_fingerprints_are_one() {
        let near = NearPrints::new([5, 9, 5].map(Fingerprint), 11);
        assert_eq!((near.len(), near.print(0), near.print(1)), (2, Fingerprint(5), Fingerprint(9)));
        assert_eq!((near.number(Fingerprint(9)), near.number(Fingerprint(6))), (Some(1), None));
    }

    #[test]
    #[ignore = "a measurement: cargo test --release -p sightline-media near -- --ignored --nocapture"]
    fn half_a_million_take_seconds() {
        let start = std::time::Instant::now();
        let near = NearPrints::new(clustered(500_000), 11);
        let (mut pairs, mut found) = (0, Vec::new());
        for number in 0..near.len() {
            near.near_after(number, &mut found);
            pairs += found.len();
        }
        println!("{} fingerprints, {pairs} pairs, {:.2?}", near.len(), start.elapsed());
        assert!(start.elapsed().as_secs() < 30);
    }
}
