//! Comparison with what the COCO tools computed (`reference.py`), and properties of the scores.

use serde::Deserialize;

use super::*;

/// The tools add numbers up in another order, so the last few bits may differ.
const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Fixture {
    images: Vec<Image>,
    sets: Vec<Set>,
    token_cases: Vec<TokenCase>,
}

#[derive(Deserialize)]
struct Image {
    references: Vec<String>,
    candidate: String,
    reference_tokens: Vec<String>,
    candidate_tokens: String,
}

/// The scores of the first few images.
#[derive(Deserialize)]
struct Set {
    images: usize,
    bleu: [f64; 4],
    rouge_l: f64,
    cider_d: f64,
}

#[derive(Deserialize)]
struct TokenCase {
    caption: String,
    tokens: String,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixture.json")).unwrap()
}

fn captions(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn assert_close(actual: f64, expected: f64, what: &str) {
    assert!((actual - expected).abs() < TOLERANCE, "{what}: {actual}, expected {expected}");
}

#[test]
fn tokens_are_those_of_the_coco_tools() {
    let fixture = fixture();
    let cases = fixture.token_cases.iter().map(|case| (&case.caption, &case.tokens));
    let candidates = fixture.images.iter().map(|image| (&image.candidate, &image.candidate_tokens));
    let references = fixture.images.iter().flat_map(|image| image.references.iter().zip(&image.reference_tokens));
    for (caption, tokens) in cases.chain(candidates).chain(references) {
        assert_eq!(&tokenise(caption).join(" "), tokens, "tokens of {caption:?}");
    }
}

#[test]
fn scores_are_those_of_the_coco_tools() {
    let fixture = fixture();
    for set in &fixture.sets {
        let images = &fixture.images[..set.images];
        let references: Vec<Vec<String>> = images.iter().map(|image| image.references.clone()).collect();
        let candidates: Vec<String> = images.iter().map(|image| image.candidate.clone()).collect();
        let scores = score(&references, &candidates);
        for (order, (actual, expected)) in scores.bleu.iter().zip(set.bleu).enumerate() {
            assert_close(*actual, expected, &format!("BLEU-{} of {} images", order + 1, set.images));
        }
        assert_close(scores.rouge_l, set.rouge_l, &format!("ROUGE-L of {} images", set.images));
        assert_close(scores.cider_d, set.cider_d, &format!("CIDEr-D of {} images", set.images));
    }
}

#[test]
fn a_perfect_candidate_has_bleu_one() {
    let scores = score(&[captions(&["A dog runs on the beach."])], &captions(&["a dog runs on the beach"]));
    for bleu in scores.bleu {
        // The smoothing constants keep it a little below.
        assert!((bleu - 1.0).abs() < 1e-8, "{bleu}");
    }
}

#[test]
fn a_perfect_candidate_has_rouge_one() {
    let scores = score(&[captions(&["A dog runs on the beach."])], &captions(&["a dog runs on the beach"]));
    assert_eq!(scores.rouge_l, 1.0);
}

#[test]
fn perfect_candidates_have_cider_ten() {
    let references = [captions(&["a dog runs on the beach"]), captions(&["two men play chess in some park"])];
    let candidates: Vec<String> = references.iter().map(|captions| captions[0].clone()).collect();
    assert_close(score(&references, &candidates).cider_d, 10.0, "CIDEr-D");
}

#[test]
fn a_single_image_has_cider_zero() {
    let scores = score(&[captions(&["a dog runs"])], &captions(&["a dog runs"]));
    assert_eq!(scores.cider_d, 0.0);
}

#[test]
fn an_empty_candidate_scores_zero() {
    let references = [captions(&["a dog runs on the beach"]), captions(&["two men play chess in some park"])];
    let scores = score(&references, &captions(&["", ""]));
    assert!(scores.bleu.iter().all(|bleu| *bleu < 1e-6), "{:?}", scores.bleu);
    assert_eq!((scores.rouge_l, scores.cider_d), (0.0, 0.0));
}

#[test]
fn no_image_scores_zero() {
    assert_eq!(score(&[], &[]), CaptionScores { bleu: [0.0; 4], rouge_l: 0.0, cider_d: 0.0 });
}

#[test]
fn an_image_without_references_scores_zero_and_not_nan() {
    let scores = score(&[Vec::new(), captions(&["a cat"])], &captions(&["a dog", "two birds"]));
    assert!(scores.bleu.iter().all(|bleu| (0.0..1e-6).contains(bleu)), "{:?}", scores.bleu);
    assert_eq!((scores.rouge_l, scores.cider_d), (0.0, 0.0));
}

#[test]
fn repeating_a_word_does_not_raise_bleu() {
    let references = [captions(&["the cat is on the mat", "there is a cat on the mat"])];
    let scores = score(&references, &captions(&["the the the the the the the"]));
    // The example of the paper: "the" occurs at most twice in a reference.
    assert!((scores.bleu[0] - 2.0 / 7.0).abs() < 1e-8, "{}", scores.bleu[0]);
}

#[test]
fn a_candidate_shorter_than_its_references_loses_bleu() {
    let references = [captions(&["a dog runs on the beach"])];
    let scores = score(&references, &captions(&["a dog runs"]));
    assert!((scores.bleu[0] - f64::exp(1.0 - 6.0 / 3.0)).abs() < 1e-8, "{}", scores.bleu[0]);
}

#[test]
fn case_and_punctuation_do_not_change_a_score() {
    let references = [captions(&["a dog, wet and happy, runs"]), captions(&["two men play chess"])];
    let plain = score(&references, &captions(&["a wet dog runs", "men play chess"]));
    assert_eq!(score(&references, &captions(&["A wet dog runs.", "\"Men\" play -- chess!"])), plain);
}

#[test]
#[should_panic(expected = "every candidate needs the references of its image")]
fn unpaired_candidates_are_refused() {
    score(&[captions(&["a dog"])], &[]);
}
