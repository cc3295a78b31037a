//! What the rules are for, one claim a test. The full comparison with the COCO tools is with the scores.

use super::tokenise;

fn tokens(caption: &str) -> String {
    tokenise(caption).join(" ")
}

#[test]
fn punctuation_is_dropped() {
    assert_eq!(tokens("A dog, \"wet\"; runs -- fast: on... sand."), "a dog wet runs fast on sand");
}

#[test]
fn brackets_are_kept_because_the_tools_compare_case() {
    assert_eq!(tokens("a dog (wet)"), "a dog -lrb- wet -rrb-");
}

#[test]
fn clitics_are_tokens() {
    assert_eq!(tokens("the dog's bowl isn't what they've filled"), "the dog 's bowl is n't what they 've filled");
}

#[test]
fn a_typographic_apostrophe_is_an_apostrophe() {
    assert_eq!(tokens("the dog’s bowl isn’t full"), tokens("the dog's bowl isn't full"));
}

#[test]
fn compounds_stay_together() {
    assert_eq!(tokens("a black-and-white t-shirt and/or hat"), "a black-and-white t-shirt and/or hat");
}

#[test]
fn contracted_words_are_split() {
    assert_eq!(tokens("they cannot and gonna"), "they can not and gon na");
}

#[test]
fn abbreviations_keep_their_stop_and_words_do_not() {
    assert_eq!(tokens("Mr. Dog vs. the U.S. cat."), "mr. dog vs. the u.s. cat");
}

#[test]
fn no_is_an_abbreviation_only_before_a_number() {
    assert_eq!(tokens("no. 5 says no."), "no. 5 says no");
}

#[test]
fn numbers_keep_their_separators() {
    assert_eq!(tokens("1,000 dogs, 2.5 cats at 10:30"), "1,000 dogs 2.5 cats at 10:30");
}

#[test]
fn a_mixed_number_is_one_token() {
    assert_eq!(tokenise("3 1/2 dogs"), ["3\u{a0}1/2", "dogs"]);
}

#[test]
fn a_caption_of_white_space_or_punctuation_has_no_tokens() {
    for caption in ["", " \t\n", "...", "\" ' -- ,"] {
        assert!(tokenise(caption).is_empty(), "{caption:?}");
    }
}

#[test]
fn any_short_text_can_be_tokenised() {
    // Rules look ahead past the characters they match; this finds one that looks past the end.
    let alphabet: Vec<char> = "nts5'.,:!-/&#@<(=_$ é½".chars().collect();
    let mut texts = vec![String::new()];
    for _ in 0..3 {
        texts = texts.iter().flat_map(|text| alphabet.iter().map(move |c| format!("{text}{c}"))).collect();
        for text in &texts {
            tokenise(text);
        }
    }
}
