//! The search against slow and obvious code, on seeded random vectors.

use half::f16;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::simd::{CODES, CodeBlock, CodeQuery, Kernel, Query};
use super::*;

fn random_vector(random: &mut StdRng, dims: usize) -> Vec<f32> {
    (0..dims).map(|_| random.random_range(-1.0..1.0)).collect()
}

/// Few different numbers, so that many scores are equal.
fn coarse_vector(random: &mut StdRng, dims: usize) -> Vec<f32> {
    (0..dims).map(|_| random.random_range(-1..=1) as f32).collect()
}

/// Numbers with gaps between them.
fn random_ids(random: &mut StdRng, count: usize) -> Vec<PhotoId> {
    let mut last = 0;
    let mut next = || {
        last += random.random_range(1..4);
        PhotoId(last)
    };
    (0..count).map(|_| next()).collect()
}

/// The rows' dot products in 64 bits.
fn reference(index: &VectorIndex, query: &[f32]) -> Vec<f64> {
    let dot = |id| {
        let row = index.vector(id).unwrap();
        row.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    index.ids().iter().map(|id| dot(*id)).collect()
}

fn brute_force(index: &VectorIndex, query: &[f32], k: usize, allow: Option<&[PhotoId]>) -> Vec<(PhotoId, f32)> {
    let scores = index.scores_for(query, index.ids());
    let mut all: Vec<(PhotoId, f32)> =
        index.ids().iter().zip(scores).map(|(id, score)| (*id, score.unwrap())).collect();
    all.retain(|(id, score)| !score.is_nan() && allow.is_none_or(|allow| allow.contains(id)));
    all.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap().then(a.0.cmp(&b.0)));
    all.truncate(k);
    all
}

#[test]
fn every_kernel_agrees_with_64_bits() {
    let mut random = StdRng::seed_from_u64(1);
    for dims in [1, 7, 31, 32, 33, 384, 512, 513] {
        let ids = random_ids(&mut random, 50);
        let index = VectorIndex::from_rows(dims, ids.into_iter().map(|id| (id, random_vector(&mut random, dims))));
        let mut random = StdRng::seed_from_u64(dims as u64);
        let query = random_vector(&mut random, dims);
        let expected = reference(&index, &query);
        for kernel in Kernel::available() {
            let scores = kernel.scores(&Query::new(&query), index.blocks.chunks_exact(index.stride));
            assert_eq!(scores.len(), expected.len());
            for (score, expected) in scores.iter().zip(&expected) {
                let tolerance = 1e-6 * dims as f64;
                assert!((f64::from(*score) - expected).abs() < tolerance, "{kernel:?} {dims}: {score} {expected}");
            }
        }
    }
}

#[test]
fn every_kernel_reads_every_16_bit_float() {
    // Each bit pattern in a row of its own, so that a sum cannot hide it.
    let patterns: Vec<u16> = (0..=u16::MAX).filter(|bits| f16::from_bits(*bits).is_finite()).collect();
    let mut index = IndexBuilder::new(1, patterns.len());
    for (number, bits) in patterns.iter().enumerate() {
        index.push_bytes(PhotoId(number as i64), &bits.to_le_bytes());
    }
    let index = index.finish();
    for kernel in Kernel::available() {
        let scores = kernel.scores(&Query::new(&[1.0]), index.blocks.chunks_exact(1));
        for (bits, score) in patterns.iter().zip(scores) {
            assert_eq!(score, f16::from_bits(*bits).to_f32(), "{kernel:?} {bits:#x}");
        }
    }
}

#[test]
fn the_nearest_are_those_of_a_full_sort() {
    let mut random = StdRng::seed_from_u64(2);
    for (dims, count) in [(1, 1), (3, 10), (8, 1023), (8, 1024), (8, 1025), (40, 5000), (512, 3000)] {
        for coarse in [false, true] {
            let make = if coarse { coarse_vector } else { random_vector };
            let ids = random_ids(&mut random, count);
            let rows: Vec<_> = ids.iter().map(|id| (*id, make(&mut random, dims))).collect();
            let index = VectorIndex::from_rows(dims, rows);
            let query = make(&mut random, dims);
            for k in [0, 1, 2, 10, 50, count, count + 5] {
                assert_eq!(index.nearest(&query, k, None), brute_force(&index, &query, k, None), "{dims} {count} {k}");
            }
        }
    }
}

#[test]
fn a_filter_limits_the_search_to_its_photos() {
    let mut random = StdRng::seed_from_u64(3);
    let ids = random_ids(&mut random, 4000);
    let rows: Vec<_> = ids.iter().map(|id| (*id, coarse_vector(&mut random, 16))).collect();
    let index = VectorIndex::from_rows(16, rows);
    let query = coarse_vector(&mut random, 16);
    for share in [0.0, 0.001, 0.1, 0.9, 1.0] {
        // Ids that are in the index, and between and beyond them.
        let allow: Vec<_> = (-5..20_000).map(PhotoId).filter(|_| random.random_bool(share)).collect();
        for k in [1, 20, 5000] {
            let expected = brute_force(&index, &query, k, Some(&allow));
            assert_eq!(index.nearest(&query, k, Some(&allow)), expected, "{share} {k}");
        }
    }
    assert!(index.nearest(&query, 5, Some(&[])).is_empty());
    let twice = [ids[7], ids[7], ids[9]];
    assert_eq!(index.nearest(&query, 5, Some(&twice)).len(), 2);
}

#[test]
fn the_answer_does_not_depend_on_the_threads() {
    let mut random = StdRng::seed_from_u64(4);
    let rows: Vec<_> =
        random_ids(&mut random, 20_000).into_iter().map(|id| (id, coarse_vector(&mut random, 12))).collect();
    let index = VectorIndex::from_rows(12, rows);
    let query = random_vector(&mut random, 12);
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| index.nearest_with_stats(&query, 100, None))
    };
    let one = with_threads(1);
    for threads in [2, 3, 8] {
        assert_eq!(with_threads(threads), one);
    }
}

#[test]
fn the_figures_are_those_of_all_scores() {
    let mut random = StdRng::seed_from_u64(5);
    let ids = random_ids(&mut random, 3000);
    let rows: Vec<_> = ids.iter().map(|id| (*id, random_vector(&mut random, 64))).collect();
    let index = VectorIndex::from_rows(64, rows);
    let query = random_vector(&mut random, 64);
    let scores = reference(&index, &query);
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / scores.len() as f64;
    let stats = index.stats(&query);
    assert_eq!(stats.count, 3000);
    assert!((stats.mean - mean).abs() < 1e-6, "{stats:?} {mean}");
    assert!((stats.standard_deviation - variance.sqrt()).abs() < 1e-6, "{stats:?} {variance}");
    assert_eq!(index.nearest_with_stats(&query, 7, None).stats, stats);
    assert_eq!(index.nearest_with_stats(&query, 7, Some(&ids[..9])).stats.count, 9);
}

#[test]
fn what_is_not_a_number_is_never_a_match() {
    let rows = [(1, f32::NAN), (2, 0.5), (3, f32::INFINITY), (4, -0.0), (5, 0.0)];
    let index = VectorIndex::from_rows(2, rows.map(|(id, number)| (PhotoId(id), vec![number, 1.0])));
    let ids = |query: &[f32]| index.nearest(query, 9, None).iter().map(|(id, _)| id.0).collect::<Vec<_>>();
    assert_eq!(ids(&[1.0, 0.0]), [3, 2, 4, 5]);
    assert!(ids(&[f32::NAN, 0.0]).is_empty());
    assert_eq!(index.stats(&[f32::NAN, 0.0]), ScoreStats::default());
}

#[test]
fn rows_in_any_order_make_the_same_index() {
    let row = |number: i64| (PhotoId(number), vec![number as f32; 40]);
    let index = VectorIndex::from_rows(40, [row(5), row(1), (PhotoId(3), vec![9.0; 40]), row(2), row(3)]);
    assert_eq!(index.ids(), [1, 2, 3, 5].map(PhotoId));
    for id in index.ids() {
        assert_eq!(index.vector(*id).unwrap(), row(id.0).1);
    }
    assert_eq!(index.scores_for(&[1.0; 40], &[PhotoId(5), PhotoId(4), PhotoId(1)]), [Some(200.0), None, Some(40.0)]);
    assert_eq!(index.vector(PhotoId(4)), None);
}

#[test]
fn the_photos_from_a_score_on_are_those_of_the_full_search() {
    let mut random = StdRng::seed_from_u64(11);
    let ids = random_ids(&mut random, 3000);
    let index = VectorIndex::from_rows(40, ids.into_iter().map(|id| (id, random_vector(&mut random, 40))));
    let query = random_vector(&mut random, 40);
    let some: Vec<PhotoId> = index.ids().iter().copied().step_by(3).collect();
    for allow in [None, Some(&some[..])] {
        let all = brute_force(&index, &query, index.len(), allow);
        let least = all[all.len() / 10].1;
        let mut expected: Vec<PhotoId> =
            all.iter().filter(|(_, score)| *score >= least).map(|(photo, _)| *photo).collect();
        expected.sort_unstable();
        assert_eq!(index.at_least(&query, least, allow), expected);
        assert!(index.at_least(&query, f32::INFINITY, allow).is_empty());
    }
}

#[test]
fn an_empty_index_finds_nothing() {
    for dims in [0, 512] {
        let index = VectorIndex::from_rows(dims, []);
        let query = vec![0.0; dims];
        assert!(index.is_empty());
        assert!(index.nearest(&query, 10, None).is_empty());
        assert!(index.nearest(&query, 10, Some(&[PhotoId(1)])).is_empty());
    }
}

#[test]
fn every_kernel_multiplies_bytes_exactly() {
    let mut random = StdRng::seed_from_u64(6);
    for dims in [1, 63, 64, 65, 512, 3000] {
        let greatest = CodeQuery::greatest(dims);
        let queries: [Vec<i16>; 2] =
            [vec![greatest; dims], (0..dims).map(|_| random.random_range(-greatest..=greatest)).collect()];
        let stride = dims.div_ceil(CODES);
        let mut rows = vec![CodeBlock([0; CODES]); 20 * stride];
        for row in rows.chunks_mut(stride).skip(1) {
            let numbers = row.iter_mut().flat_map(|block| &mut block.0).take(dims);
            numbers.for_each(|number| *number = random.random_range(-127..=127));
        }
        // The greatest sum there can be.
        rows[..stride].iter_mut().flat_map(|block| &mut block.0).take(dims).for_each(|number| *number = 127);
        for query in queries {
            let dot = |row: &[CodeBlock]| {
                let codes = row.iter().flat_map(|block| block.0);
                codes.zip(&query).map(|(a, b)| i64::from(a) * i64::from(*b)).sum::<i64>()
            };
            let expected: Vec<i64> = rows.chunks(stride).map(dot).collect();
            for kernel in Kernel::available() {
                let scores = kernel.code_scores(&CodeQuery::new(&query), rows.chunks_exact(stride));
                assert!(scores.iter().zip(&expected).all(|(a, b)| i64::from(*a) == *b), "{kernel:?} {dims}");
            }
        }
    }
}

/// Rows of very different kinds: random, sparse, with one great number, tiny, great, zero.
fn odd_vector(random: &mut StdRng, dims: usize, kind: usize) -> Vec<f32> {
    let mut row = random_vector(random, dims);
    match kind % 6 {
        0 => {}
        1 => row.iter_mut().skip(1).for_each(|number| *number *= f32::from(u8::from(random.random_bool(0.02)))),
        2 => row[dims / 2] = 300.0,
        3 => row.iter_mut().for_each(|number| *number *= 1e-6),
        4 => row.iter_mut().for_each(|number| *number *= 3e4),
        _ => row.fill(0.0),
    }
    row
}

#[test]
fn a_first_look_never_promises_too_much() {
    let mut random = StdRng::seed_from_u64(7);
    for dims in [1, 5, 100, 512, 700] {
        let rows: Vec<_> =
            (0..600).map(|number| (PhotoId(number), odd_vector(&mut random, dims, number as usize))).collect();
        let index = VectorIndex::from_rows(dims, rows);
        for kind in 0..6 {
            let query = odd_vector(&mut random, dims, kind);
            let exact = index.scores_for(&query, index.ids());
            let screened = index.screen.query(&query).unwrap();
            let positions = (0..index.len()).collect::<Vec<_>>();
            let bounds = index.screen.bounds(&screened, positions.iter().copied());
            for ((bounds, exact), id) in bounds.zip(exact).zip(index.ids()) {
                let exact = exact.unwrap();
                assert!((bounds.low..=bounds.high).contains(&exact), "{dims} {kind} {id:?}: {bounds:?} {exact}");
            }
        }
    }
}

#[test]
fn a_first_look_changes_no_answer() {
    let mut random = StdRng::seed_from_u64(8);
    for dims in [4, 64, 200] {
        let mut rows: Vec<_> =
            (0..6000).map(|number| (PhotoId(number), odd_vector(&mut random, dims, number as usize))).collect();
        rows[17].1[0] = f32::NAN;
        rows[18].1[dims - 1] = f32::INFINITY;
        let index = VectorIndex::from_rows(dims, rows);
        for kind in 0..6 {
            let query = odd_vector(&mut random, dims, kind);
            for k in [1, 7, 50, 300] {
                let all = index.nearest_with_stats(&query, k, None);
                assert_eq!(index.nearest(&query, k, None), all.hits, "{dims} {kind} {k}");
                let allow: Vec<PhotoId> = (0..6000).filter(|_| random.random_bool(0.7)).map(PhotoId).collect();
                let some = index.nearest_with_stats(&query, k, Some(&allow));
                assert_eq!(index.nearest(&query, k, Some(&allow)), some.hits, "{dims} {kind} {k}");
            }
        }
    }
}

/// A row as the database keeps it.
fn bytes(row: &[f32]) -> Vec<u8> {
    row.iter().flat_map(|number| f16::from_f32(*number).to_le_bytes()).collect()
}

fn rows(index: &VectorIndex) -> Vec<(PhotoId, Vec<f32>)> {
    index.ids().iter().map(|id| (*id, index.vector(*id).unwrap())).collect()
}

#[test]
fn a_changed_index_is_the_index_of_the_changed_rows() {
    let mut random = StdRng::seed_from_u64(21);
    for (dims, count) in [(7, 0), (40, 1), (40, 5), (64, 300), (33, 5000)] {
        let ids = random_ids(&mut random, count);
        let mut known: std::collections::BTreeMap<PhotoId, Vec<f32>> =
            ids.into_iter().map(|id| (id, random_vector(&mut random, dims))).collect();
        let mut index = VectorIndex::from_rows(dims, known.clone());
        for _ in 0..6 {
            let top = known.keys().next_back().map_or(1, |id| id.0);
            let (mut changes, mut unsaved) = (std::collections::BTreeMap::new(), index.unsaved);
            for _ in 0..random.random_range(1..=1 + count / 10) {
                let row = random.random_bool(0.6).then(|| random_vector(&mut random, dims));
                changes.insert(PhotoId(random.random_range(1..top + 20)), row);
            }
            for (id, row) in &changes {
                unsaved += usize::from(row.is_some() || known.contains_key(id));
                match row {
                    Some(row) => drop(known.insert(*id, row.clone())),
                    None => drop(known.remove(id)),
                }
            }
            let changes: Vec<_> = changes.into_iter().map(|(id, row)| (id, row.map(|row| bytes(&row)))).collect();
            index.change(&changes, 0);
            let anew = VectorIndex::from_rows(dims, known.clone());
            assert_eq!(rows(&index), rows(&anew), "{dims} {count}");
            assert_eq!(index.unsaved, unsaved);
            let query = random_vector(&mut random, dims);
            assert_eq!(index.nearest(&query, 9, None), anew.nearest(&query, 9, None));
            assert_eq!(index.nearest(&query, 9, None), brute_force(&anew, &query, 9, None));
        }
    }
}

#[test]
fn a_file_of_vectors_is_read_as_it_was_written_or_not_at_all() {
    let mut random = StdRng::seed_from_u64(22);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vectors");
    for (dims, count) in [(7, 0), (33, 1), (512, 9000)] {
        let ids = random_ids(&mut random, count);
        let mut index = VectorIndex::from_rows(dims, ids.into_iter().map(|id| (id, random_vector(&mut random, dims))));
        index.as_of = 77;
        file::write(&index, &mut std::fs::File::create(&path).unwrap()).unwrap();
        let read = file::read(&path, dims).unwrap();
        assert_eq!((read.as_of, read.unsaved, rows(&read) == rows(&index)), (77, 0, true));
        let query = random_vector(&mut random, dims);
        assert_eq!(read.nearest(&query, 5, None), index.nearest(&query, 5, None));

        let good = std::fs::read(&path).unwrap();
        assert!(file::read(&path, dims + 1).is_err());
        let spoilt = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            file::read(&path, dims).unwrap_err().kind()
        };
        let known = [std::io::ErrorKind::InvalidData, std::io::ErrorKind::UnexpectedEof];
        for _ in 0..40 {
            let mut bad = good.clone();
            let at = random.random_range(0..bad.len());
            bad[at] ^= 1 << random.random_range(0..8);
            assert!(known.contains(&spoilt(&bad)), "a changed bit at {at}");
            let end = random.random_range(0..good.len());
            assert!(known.contains(&spoilt(&good[..end])), "cut at {end}");
        }
        let longer = [&good[..], b"x"].concat();
        assert!(known.contains(&spoilt(&longer)));
        // A header that claims more than there can be takes no memory.
        for number in 1..5 {
            let mut bad = good.clone();
            bad[number * 8..][..8].fill(0xff);
            assert!(known.contains(&spoilt(&bad)));
        }
    }
}
