//! `tokenizer.json` of a pack: copied, or put together of the older files that a checkpoint has in its place.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use tokenizers::processors::template::TemplateProcessing;

use super::recognise::Tokens;
use crate::VlmError;
use crate::model::tokenizer_file::{tokenizer_bytes as read, tokenizer_of};

/// CLIP's start and end of a text.
const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

/// The bytes of `tokenizer.json`, which the `tokenizers` crate has read once. The first of `ends` that it knows ends every
/// sentence then, whether or not it was put there by the file's own rules; nothing begins one.
///
/// # Errors
/// [`VlmError::Missing`], [`VlmError::Io`] or [`VlmError::BadTokenizer`].
pub(super) fn tokenizer_json(tokens: &Tokens, ends: Option<&[&str]>) -> Result<Vec<u8>, VlmError> {
    let (path, bytes) = match tokens {
        Tokens::Json(path) => (path, read(path)?),
        Tokens::Bpe { vocabulary, merges } => (vocabulary, bpe(vocabulary, merges)?.to_string().into_bytes()),
        Tokens::WordPieces { vocabulary, lowercase } => {
            (vocabulary, word_pieces(vocabulary, *lowercase)?.to_string().into_bytes())
        }
    };
    let bad = |reason: String| VlmError::BadTokenizer { path: path.clone(), reason };
    let mut tokenizer = tokenizer_of(&bytes).map_err(&bad)?;
    let known = ends.into_iter().flatten().find_map(|end| Some((*end, tokenizer.token_to_id(end)?)));
    let Some((end, id)) = known else { return Ok(bytes) };
    let plain = tokenizer.encode("a", false).map_err(|e| bad(e.to_string()))?;
    let whole = tokenizer.encode("a", true).map_err(|e| bad(e.to_string()))?;
    if whole.get_ids() == [plain.get_ids(), &[id]].concat() {
        return Ok(bytes);
    }
    let ended = TemplateProcessing::builder()
        .try_single(format!("$A {end}"))
        .map_err(&bad)?
        .special_tokens(vec![(end, id)])
        .build();
    tokenizer.with_post_processor(Some(ended.map_err(|e| bad(e.to_string()))?));
    Ok(tokenizer.to_string(false).map_err(|e| bad(e.to_string()))?.into_bytes())
}

fn text(path: &Path) -> Result<String, VlmError> {
    let bad = |_| VlmError::BadTokenizer { path: path.into(), reason: "it is not text".into() };
    String::from_utf8(read(path)?).map_err(bad)
}

fn special(content: &str, id: u32) -> Value {
    json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true })
}

/// CLIP's byte-pair encoding, as its own `tokenizer.json` has it.
fn bpe(vocabulary: &Path, merges: &Path) -> Result<Value, VlmError> {
    let bad = |path: &Path, reason: String| VlmError::BadTokenizer { path: path.into(), reason };
    let ids: BTreeMap<String, u32> =
        serde_json::from_slice(&read(vocabulary)?).map_err(|e| bad(vocabulary, e.to_string()))?;
    let id = |token: &str| ids.get(token).copied().ok_or_else(|| bad(vocabulary, format!("it has no {token}")));
    let (start, end) = (id(START)?, id(END)?);
    let lines = text(merges)?;
    let pairs: Vec<&str> = lines.lines().filter(|line| !line.starts_with("#version") && !line.is_empty()).collect();
    Ok(json!({
        "version": "1.0",
        "added_tokens": [special(START, start), special(END, end)],
        "normalizer": { "type": "Sequence", "normalizers": [
            { "type": "NFC" },
            { "type": "Replace", "pattern": { "Regex": r"\s+" }, "content": " " },
            { "type": "Lowercase" },
        ] },
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
            { "type": "Split", "behavior": "Removed", "invert": true, "pattern": {
                "Regex": r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
            } },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
        ] },
        "post_processor": { "type": "RobertaProcessing", "sep": [END, end], "cls": [START, start],
                            "trim_offsets": false, "add_prefix_space": false },
        "decoder": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
        "model": { "type": "BPE", "dropout": null, "unk_token": END, "continuing_subword_prefix": "",
                   "end_of_word_suffix": "</w>", "fuse_unk": false, "vocab": ids, "merges": pairs },
    }))
}

/// BERT's word pieces, one a line.
fn word_pieces(path: &Path, lowercase: bool) -> Result<Value, VlmError> {
    let lines = text(path)?;
    let ids: BTreeMap<&str, u32> = lines.lines().zip(0..).map(|(piece, id)| (piece.trim_end(), id)).collect();
    let id = |token: &str| {
        let missing = || VlmError::BadTokenizer { path: path.into(), reason: format!("it has no {token}") };
        ids.get(token).copied().ok_or_else(missing)
    };
    let (cls, sep) = (id("[CLS]")?, id("[SEP]")?);
    let known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
    let mut added: Vec<(u32, &str)> =
        known.into_iter().filter_map(|token| ids.get(token).map(|id| (*id, token))).collect();
    added.sort_unstable();
    let one = |token: &str, id: u32| json!({ "id": token, "ids": [id], "tokens": [token] });
    let place = |token: &str, of: u32| json!({ "SpecialToken": { "id": token, "type_id": of } });
    let sentence = |name: &str, of: u32| json!({ "Sequence": { "id": name, "type_id": of } });
    Ok(json!({
        "version": "1.0",
        "added_tokens": added.iter().map(|(id, token)| special(token, *id)).collect::<Vec<_>>(),
        "normalizer": { "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                        "strip_accents": null, "lowercase": lowercase },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": { "type": "TemplateProcessing",
            "single": [place("[CLS]", 0), sentence("A", 0), place("[SEP]", 0)],
            "pair": [place("[CLS]", 0), sentence("A", 0), place("[SEP]", 0), sentence("B", 1), place("[SEP]", 1)],
            "special_tokens": { "[CLS]": one("[CLS]", cls), "[SEP]": one("[SEP]", sep) } },
        "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                   "max_input_chars_per_word": 100, "vocab": ids },
    }))
}
