//! `tokenizer.json`, read only where what it does to a text stays within bounds.
//!
//! Its rules are a small program that comes with whatever folder a person imports: a few dozen of them that double every
//! letter fill any memory.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tokenizers::{
    DecoderWrapper, NormalizerWrapper, PaddingParams, PaddingStrategy, PostProcessorWrapper, PreTokenizerWrapper,
    Tokenizer,
};

use super::architecture::MOST_TOKENS;
use crate::VlmError;
use crate::plain_file::read_plain;

/// Largest file that is read: SigLIP2's has 34 megabytes.
const MOST_BYTES: u64 = 256 << 20;
/// Longest text that is given to a tokenizer, in bytes: many times what any text tower reads.
pub(crate) const MOST_TEXT: usize = 16 << 10;
/// So many times as long a text may become: published ones stay below 200.
const MOST_GROWTH: f64 = 1024.0;
/// Most rules in a row: published ones have up to 40.
const MOST_STEPS: usize = 256;
/// Bytes that may become of all added tokens.
const MOST_ADDED: f64 = (64 << 20) as f64;

/// What of the file is looked at before it is used.
#[derive(Deserialize)]
struct Rules {
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Option<NormalizerWrapper>,
    #[serde(default)]
    pre_tokenizer: Option<PreTokenizerWrapper>,
    #[serde(default)]
    post_processor: Option<PostProcessorWrapper>,
    #[serde(default)]
    decoder: Option<DecoderWrapper>,
    #[serde(default)]
    padding: Option<PaddingParams>,
}

#[derive(Deserialize)]
struct Added {
    content: String,
}

/// Reads `tokenizer.json`.
///
/// # Errors
/// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadTokenizer`].
pub(crate) fn read_tokenizer(path: &Path) -> Result<Tokenizer, VlmError> {
    let bytes = tokenizer_bytes(path)?;
    tokenizer_of(&bytes).map_err(|reason| VlmError::BadTokenizer { path: path.into(), reason })
}

/// The bytes of a file of a tokenizer.
///
/// # Errors
/// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadTokenizer`].
pub(crate) fn tokenizer_bytes(path: &Path) -> Result<Vec<u8>, VlmError> {
    let unfit = |path, reason| VlmError::BadTokenizer { path, reason };
    read_plain(path, MOST_BYTES).map_err(|unread| unread.error(path, unfit))
}

/// The tokenizer of the bytes of a `tokenizer.json`, or why it cannot be used.
pub(crate) fn tokenizer_of(bytes: &[u8]) -> Result<Tokenizer, String> {
    // Before it is made: making it puts the added tokens through its rules.
    checked(bytes)?;
    Tokenizer::from_bytes(bytes).map_err(|e| e.to_string())
}

/// Whether the rules of a `tokenizer.json` stay within bounds, or why not.
pub(crate) fn checked(bytes: &[u8]) -> Result<(), String> {
    let rules: Rules = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    rules.check()
}

/// The part of a text that a tokenizer is given.
pub(crate) fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST_TEXT)]
}

impl Rules {
    fn check(&self) -> Result<(), String> {
        let normalized = bounded("normalizer", &self.normalizer)?;
        let split = bounded("pre_tokenizer", &self.pre_tokenizer)?;
        if normalized * split > MOST_GROWTH {
            return Err(too_long("normalizer and pre_tokenizer"));
        }
        bounded("post_processor", &self.post_processor)?;
        bounded("decoder", &self.decoder)?;
        let added: usize = self.added_tokens.iter().map(|token| token.content.len()).sum();
        if added as f64 * normalized > MOST_ADDED {
            return Err("added_tokens: they are too long".into());
        }
        let Some(padding) = &self.padding else { return Ok(()) };
        let fixed = match padding.strategy {
            PaddingStrategy::Fixed(length) => length,
            PaddingStrategy::BatchLongest => 0,
        };
        match fixed.max(padding.pad_to_multiple_of.unwrap_or(0)) {
            length if length > MOST_TOKENS => Err(format!("padding = {length}, expected at most {MOST_TOKENS}")),
            _ => Ok(()),
        }
    }
}

fn too_long(section: &str) -> String {
    format!("{section}: a text may become more than {MOST_GROWTH} times as long")
}

/// How many times as long a text may become by a section of the file.
fn bounded<T: serde::Serialize>(section: &str, rules: &Option<T>) -> Result<f64, String> {
    // As JSON with all types named, whatever older form the file has; some of the fields are not public.
    let rules = serde_json::to_value(rules).map_err(|e| format!("{section}: {e}"))?;
    let mut steps = 0;
    let most = growth(&rules, &mut steps);
    if steps > MOST_STEPS {
        return Err(format!("{section}: it has {steps} rules, expected at most {MOST_STEPS}"));
    }
    if most > MOST_GROWTH { Err(too_long(section)) } else { Ok(most) }
}

/// How many times as long a text may become by a rule, at most. Those that a second time change nothing count as 1.
fn growth(rule: &Value, steps: &mut usize) -> f64 {
    *steps += 1;
    let length = |key: &str| rule[key].as_str().map_or(0, str::len) as f64;
    match rule["type"].as_str().unwrap_or_default() {
        "Sequence" => ["normalizers", "pretokenizers", "processors", "decoders"]
            .iter()
            .filter_map(|key| rule[*key].as_array())
            .flatten()
            .map(|rule| growth(rule, steps))
            .product(),
        "Replace" => match rule["pattern"]["String"].as_str() {
            Some(pattern) if !pattern.is_empty() => (length("content") / pattern.len() as f64).max(1.0),
            // It may match before every letter.
            _ => 1.0 + length("content"),
        },
        "Prepend" => 1.0 + length("prepend"),
        "Precompiled" => rule["precompiled_charsmap"].as_str().map_or(1.0, longest_replacement),
        // Another character for each byte, or one of three bytes for a space.
        "ByteLevel" => 2.0,
        "Metaspace" => 4.0,
        "BertProcessing" | "RobertaProcessing" => 3.0,
        "TemplateProcessing" => {
            let longest = rule["special_tokens"].as_object().into_iter().flat_map(|tokens| tokens.values());
            let longest = longest.filter_map(|token| Some(token["ids"].as_array()?.len())).max().unwrap_or(1).max(1);
            (rule["single"].as_array().map_or(1, Vec::len).max(1) * longest) as f64
        }
        _ => 1.0,
    }
}

/// The longest string in SentencePiece's map of characters: a table of a length that comes first, then strings that end in 0.
fn longest_replacement(base64: &str) -> f64 {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = base64.bytes().filter(|byte| *byte != b'=').map(value).collect();
    let bytes = digits.chunks(4).flat_map(|digits| {
        let all = digits.iter().zip([18, 12, 6, 0]).fold(0u32, |all, (digit, by)| all | u32::from(*digit) << by);
        let [_, bytes @ ..] = all.to_be_bytes();
        bytes.into_iter().take(digits.len() - 1)
    });
    let bytes: Vec<u8> = bytes.collect();
    let table = bytes.first_chunk::<4>().map_or(0, |size| u32::from_le_bytes(*size) as usize);
    let strings = bytes.get(table.saturating_add(4)..).unwrap_or_default();
    strings.split(|byte| *byte == 0).map(<[u8]>::len).max().unwrap_or(0).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenizerConfig;
    use crate::caption::Vocabulary;
    use crate::image_to_text::words::Words;

    fn with(rules: &str) -> String {
        format!(
            r#"{{"version":"1.0",{rules},"model":{{"type":"WordLevel","vocab":{{"[UNK]":0,"a":1}},"unk_token":"[UNK]"}}}}"#
        )
    }

    fn many(rule: &str, times: usize) -> String {
        vec![rule; times].join(",")
    }

    const DOUBLES: &str = r#"{"type":"Replace","pattern":{"String":"a"},"content":"aa"}"#;

    #[test]
    fn a_tokenizer_that_makes_a_text_grow_without_bound_is_refused_by_all_that_read_one() {
        let letter = r#"{"type":"Replace","pattern":{"Regex":"(?=.)"},"content":"12345678"}"#;
        let bytes = r#"{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}"#;
        let twice = r#"{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{}}"#;
        let long = "x".repeat(5000);
        let one = format!(r#""normalizer":{{"type":"Prepend","prepend":"{long}"}}"#);
        let added = r#""added_tokens":[{"id":1,"content":"a","single_word":false,"lstrip":false,"rstrip":false,"normalized":true,"special":false}]"#;
        let sequence = |of: &str, rules: String| format!(r#"{{"type":"Sequence","{of}":[{rules}]}}"#);
        for (rules, expected) in [
            (format!(r#""normalizer":{}"#, sequence("normalizers", many(DOUBLES, 34))), "normalizer: "),
            (format!(r#"{added},"normalizer":{}"#, sequence("normalizers", many(DOUBLES, 34))), "normalizer: "),
            (format!(r#""normalizer":{}"#, sequence("normalizers", many(letter, 12))), "normalizer: "),
            (format!(r#""pre_tokenizer":{}"#, sequence("pretokenizers", many(bytes, 34))), "pre_tokenizer: "),
            (format!(r#""post_processor":{}"#, sequence("processors", many(twice, 34))), "post_processor: "),
            (format!(r#""decoder":{}"#, sequence("decoders", many(DOUBLES, 34))), "decoder: "),
            (format!(r#""normalizer":{}"#, sequence("normalizers", many(r#"{"type":"NFC"}"#, 300))), "301 rules"),
            (one, "normalizer: "),
            (
                r#""padding":{"strategy":{"Fixed":1000000000000},"direction":"Right","pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,"pad_token":"a"}"#
                    .into(),
                "padding = 1000000000000",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("tokenizer.json");
            std::fs::write(&path, with(&rules)).unwrap();
            let errors = [
                crate::model::Tokenizer::read(&path, &TokenizerConfig::default()).unwrap_err(),
                Words::read(&path, 10).unwrap_err(),
                Vocabulary::read(&path).unwrap_err(),
            ];
            for error in errors {
                assert!(matches!(error, VlmError::BadTokenizer { .. }), "{error}");
                assert!(error.to_string().contains(expected), "{error}, expected {expected}");
            }
        }
    }

    #[test]
    fn the_rules_of_published_tokenizers_are_within_bounds() {
        for rules in [
            // CLIP's, Llama's and Gemma's, the first SigLIP's.
            r#""normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Lowercase"}]}"#,
            r#""normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
               "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}"#,
            r#""normalizer":{"type":"Sequence","normalizers":[{"type":"Strip","strip_left":false,"strip_right":true},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"}]},
               "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}]}"#,
        ] {
            tokenizer_of(with(rules).as_bytes()).unwrap();
        }
    }

    #[test]
    fn the_longest_string_of_a_map_of_characters_is_found() {
        // A table of four bytes, then "ab", "abcde" and "c".
        assert_eq!(longest_replacement("BAAAAAEBAQFhYgBhYmNkZQBjAA=="), 5.0);
        assert_eq!(longest_replacement(""), 1.0);
    }

    #[test]
    fn a_text_without_end_is_cut_before_it_is_tokenised() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        std::fs::write(&path, with(r#""pre_tokenizer":{"type":"Whitespace"}"#)).unwrap();
        let config = TokenizerConfig { max_len: 1 << 20, ..TokenizerConfig::default() };
        let tokens = crate::model::Tokenizer::read(&path, &config).unwrap().encode(&["a ".repeat(1 << 18)]).unwrap();
        assert_eq!(tokens.tokens, MOST_TEXT / 2);
        assert_eq!(shortened(&"\u{72d7}".repeat(MOST_TEXT)).len(), MOST_TEXT / 3 * 3);
    }
}
