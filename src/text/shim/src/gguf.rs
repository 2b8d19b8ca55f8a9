//! A tokenizer from the metadata of a GGUF file. Its ids equal llama.cpp's.

use std::collections::HashSet;

use crate::ffi::{Failure, Outcome};
use crate::pretokenizer::Cut;
use crate::tokenizer::TextTokenizer;
use crate::vocabulary::{merges_by_priority, Kind, Style, Vocabulary};

pub struct GgufVocab<'a> {
    pub tokens: Vec<&'a str>,
    pub types: &'a [i32],
    pub scores: &'a [f32],
    pub merges: Vec<&'a str>,
    pub pre: &'a str,
    pub model: &'a str,
    pub add_space_prefix: bool,
}

/// Values of "tokenizer.ggml.token_type". Source: llama.cpp, include/llama.h, llama_token_type.
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;
const BYTE: i32 = 6;

pub fn build(vocab: &GgufVocab) -> Outcome<TextTokenizer> {
    check(vocab)?;
    let kinds = (0..vocab.tokens.len()).map(|id| kind(vocab, id)).collect();
    let (style, merges) = match vocab.model {
        "gpt2" => (Style::ByteLevel(Cut::from_gguf_name(vocab.pre)?), listed_merges(vocab)?),
        "llama" => (Style::Marked { first_blank: vocab.add_space_prefix }, scored_merges(vocab)?),
        other => {
            return Err(Failure::unsupported(format!(
                "tokenizer model {other:?} in the GGUF file (known: \"gpt2\" and \"llama\")"
            )))
        }
    };
    let unknown = vocab.types.iter().position(|&kind| kind == UNKNOWN).map(|id| vocab.tokens[id]);
    Vocabulary {
        tokens: vocab.tokens.iter().zip(0..).map(|(&name, id)| (name, id)).collect(),
        kinds,
        merges,
        style,
        unknown: if vocab.model == "llama" { unknown } else { None },
        stop_ids: Vec::new(),
    }
    .build()
}

fn check(vocab: &GgufVocab) -> Outcome<()> {
    let count = vocab.tokens.len();
    if count == 0 {
        return Err(Failure::corrupt("the GGUF file has no tokens (tokenizer.ggml.tokens)"));
    }
    if !vocab.types.is_empty() && vocab.types.len() != count {
        return Err(Failure::corrupt(format!("{count} tokens but {} token types", vocab.types.len())));
    }
    let mut seen = HashSet::with_capacity(count);
    for (id, &name) in vocab.tokens.iter().enumerate() {
        if name.is_empty() {
            return Err(Failure::corrupt(format!("token {id} is empty")));
        }
        if !seen.insert(name) {
            return Err(Failure::corrupt(format!("token {id}, {name:?}, is given twice")));
        }
    }
    Ok(())
}

fn kind(vocab: &GgufVocab, id: usize) -> Kind {
    match vocab.types.get(id).copied().unwrap_or(1) {
        CONTROL | UNKNOWN => Kind::Special,
        USER_DEFINED => Kind::Added,
        UNUSED | BYTE => Kind::Inner,
        _ => Kind::Text,
    }
}

/// Names are cut at the first blank after the first character: a name may begin with a blank, and is UTF-8.
fn listed_merges(vocab: &GgufVocab) -> Outcome<Vec<(String, String)>> {
    if vocab.merges.is_empty() && vocab.tokens.iter().filter(|name| name.chars().count() > 1).count() > 256 {
        return Err(Failure::corrupt("the GGUF file has no merges (tokenizer.ggml.merges)"));
    }
    let mut merges = Vec::with_capacity(vocab.merges.len());
    for (rank, merge) in vocab.merges.iter().enumerate() {
        let first = merge.chars().next().map_or(0, char::len_utf8);
        let Some(at) = merge[first..].find(' ') else {
            return Err(Failure::corrupt(format!("merge {rank}, {merge:?}, is not two tokens")));
        };
        merges.push((merge[..first + at].to_string(), merge[first + at + 1..].to_string()));
    }
    Ok(merges)
}

fn scored_merges(vocab: &GgufVocab) -> Outcome<Vec<(String, String)>> {
    if vocab.scores.len() != vocab.tokens.len() {
        return Err(Failure::corrupt(format!(
            "{} tokens but {} scores: a \"llama\" vocabulary needs one for each",
            vocab.tokens.len(),
            vocab.scores.len()
        )));
    }
    let pieces: Vec<(&str, f64)> = vocab
        .tokens
        .iter()
        .enumerate()
        .filter(|&(id, _)| kind(vocab, id) == Kind::Text)
        .map(|(id, &name)| (name, f64::from(vocab.scores[id])))
        .collect();
    let names: HashSet<&str> = pieces.iter().map(|&(name, _)| name).collect();
    Ok(merges_by_priority(&pieces, |name| names.contains(name)))
}
