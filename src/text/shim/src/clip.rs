//! The tokenizer of CLIP text encoders from its two files, vocab.json and merges.txt.
//! Source: github.com/openai/CLIP, clip/simple_tokenizer.py; the order of work is that of `transformers`'
//! CLIPTokenizerFast.

use serde_json::{json, Map, Value};

use crate::ffi::{Failure, Outcome};
use crate::tokenizer::TextTokenizer;

pub const BEGIN: &str = "<|startoftext|>";
pub const END: &str = "<|endoftext|>";
const WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";
const WORD_END: &str = "</w>";

pub fn build(vocab: &str, merges: &str) -> Outcome<TextTokenizer> {
    let vocab: Map<String, Value> = serde_json::from_str(vocab)
        .map_err(|e| Failure::corrupt(format!("vocab.json: wanted one JSON object of tokens and ids: {e}")))?;
    let merges = pairs(merges, &vocab)?;
    let added = [added_token(&vocab, BEGIN)?, added_token(&vocab, END)?];
    let file = json!({
        "version": "1.0",
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"},
            {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
            {"type": "Lowercase"}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Removed", "invert": true},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]},
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
        "model": {
            "type": "BPE", "unk_token": END, "end_of_word_suffix": WORD_END, "fuse_unk": false,
            "vocab": vocab, "merges": merges},
    });
    TextTokenizer::from_json(file.to_string().as_bytes())
}

fn added_token(vocab: &Map<String, Value>, name: &str) -> Outcome<Value> {
    let id = vocab
        .get(name)
        .ok_or_else(|| Failure::corrupt(format!("vocab.json: wanted a token {name:?}, found none")))?;
    Ok(json!({"id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false,
              "normalized": false, "special": true}))
}

/// The lines of merges.txt after its version. CLIP's own list goes on after the last token of the vocabulary.
fn pairs<'a>(merges: &'a str, vocab: &Map<String, Value>) -> Outcome<Vec<[&'a str; 2]>> {
    let mut pairs = Vec::new();
    for (number, line) in merges.lines().enumerate() {
        let line = line.trim_end();
        if line.is_empty() || (number == 0 && line.starts_with("#version")) {
            continue;
        }
        let parts: Vec<&str> = line.split(' ').collect();
        let [left, right] = parts[..] else {
            let number = number + 1;
            return Err(Failure::corrupt(format!("merges.txt, line {number}: wanted two tokens, found {line:?}")));
        };
        if vocab.contains_key(&format!("{left}{right}")) {
            pairs.push([left, right]);
        }
    }
    Ok(pairs)
}
