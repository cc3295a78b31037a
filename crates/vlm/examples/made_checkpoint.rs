//! A checkpoint with made-up weights at published sizes, to measure with: `made_checkpoint FAMILY TO` writes a folder that
//! `sightline model import` takes. FAMILY is a folder of `tests/golden/packs` with `config.json` and `tensors.txt`, such as
//! `siglip2`. The tokenizer has as many tokens as the family's own and, for SigLIP2, about as many merges (580,000), since
//! it takes memory and time as well.

mod made;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [family, to] = [1, 2].map(|at| std::env::args().nth(at));
    let (Some(family), Some(to)) = (family, to) else { return Err("made_checkpoint FAMILY TO".into()) };
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/packs").join(&family);
    let to = Path::new(&to);
    std::fs::create_dir_all(to)?;
    for file in std::fs::read_dir(&golden)? {
        let path = file?.path();
        if let Some(name) = path.file_name().filter(|_| path.extension().is_some_and(|end| end == "json")) {
            std::fs::copy(&path, to.join(name))?;
        }
    }
    let list = std::fs::read_to_string(golden.join("tensors.txt"))?;
    let made = made::Made::of(&list);
    made::write(&made, &to.join("model.safetensors"))?;
    let tables = ["text_model.embeddings.token_embedding.weight", "token_embedding.weight"];
    let rows = tables.iter().find_map(|name| made.shape(name)).map_or(0, |shape| shape[0]);
    serde_json::to_writer(BufWriter::new(File::create(to.join("tokenizer.json"))?), &tokenizer(rows))?;
    println!("{family}: {} tensors, {rows} tokens, in {}", made.names().len(), to.display());
    Ok(())
}

/// A byte-pair encoding of `tokens` tokens: all words of up to three letters and many of four, each of which comes of every
/// two parts that it has.
fn tokenizer(tokens: usize) -> serde_json::Value {
    let marks = ["<pad>", "<eos>", "<bos>", "<unk>"].map(String::from);
    let bytes = (0..256).map(|byte| format!("<0x{byte:02X}>"));
    let letters: Vec<String> = ('a'..='z').chain(['▁']).map(String::from).collect();
    let longer = |words: &[String]| -> Vec<String> {
        words.iter().flat_map(|word| letters.iter().map(move |letter| format!("{word}{letter}"))).collect()
    };
    let twos = longer(&letters);
    let threes = longer(&twos);
    let mut all: Vec<String> = marks.into_iter().chain(bytes).collect();
    for words in [&letters, &twos, &threes] {
        all.extend(words.iter().cloned());
    }
    all.truncate(tokens);
    // Spread over all words of four letters.
    let (left, fours) = (tokens - all.len(), threes.len() * letters.len());
    let four = |at: usize| format!("{}{}", threes[at / letters.len()], letters[at % letters.len()]);
    all.extend((0..left.min(fours)).map(|at| four(at * (fours / left.max(1)).max(1) % fours)));
    let ids: BTreeMap<&str, usize> = all.iter().enumerate().map(|(id, token)| (token.as_str(), id)).collect();
    let mut merges = Vec::new();
    for (at, word) in all.iter().enumerate().skip(260) {
        let ends = word.char_indices().map(|(end, _)| end).skip(1);
        for (part, end) in ends.enumerate() {
            let (first, second) = word.split_at(end);
            // Two of the three ways to four letters, and every third word has all.
            if ids.contains_key(first) && ids.contains_key(second) && (part != 1 || at.is_multiple_of(3)) {
                merges.push([first, second]);
            }
        }
    }
    let special = |id: usize| {
        json!({ "id": id, "content": all[id], "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true })
    };
    let marks: Vec<_> = (0..4.min(all.len())).map(special).collect();
    json!({
        "version": "1.0",
        "added_tokens": marks,
        "normalizer": { "type": "Replace", "pattern": { "String": " " }, "content": "▁" },
        "pre_tokenizer": { "type": "Split", "pattern": { "String": " " }, "behavior": "MergedWithPrevious", "invert": false },
        "model": { "type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "fuse_unk": true,
                   "vocab": ids, "merges": merges },
    })
}
