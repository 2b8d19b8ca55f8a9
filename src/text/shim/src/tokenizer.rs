//! A tokenizer of the `tokenizers` library with a table of token bytes beside it.

use std::collections::HashMap;

use tokenizers::tokenizer::{AddedVocabulary, Model, OffsetType, PreTokenizer, Token};
use tokenizers::{ModelWrapper, Tokenizer};

use crate::ffi::{Failure, Outcome};
use crate::pieces::{char_of_byte, Entry, Pieces, Spelling};

/// Ids from here on are refused: the largest known vocabularies have 262144 entries, and tables are as long as the
/// highest id.
const ID_LIMIT: u32 = 1 << 22;

pub struct TextTokenizer {
    inner: Tokenizer,
    /// The added tokens again, with special ones left as text.
    plain: AddedVocabulary,
    pieces: Pieces,
    /// Characters of bytes that the vocabulary lacks (control bytes, in some).
    missing: Vec<char>,
    stop_ids: Vec<i32>,
    memory_bytes: usize,
}

impl TextTokenizer {
    pub fn from_json(json: &[u8]) -> Outcome<Self> {
        let inner = Tokenizer::from_bytes(json)
            .map_err(|e| Failure::corrupt(format!("not a tokenizer.json: {e}")))?;
        Self::new(inner, Vec::new())
    }

    /// `stop_ids`: what the source of the tokenizer names as ends of an answer.
    pub fn new(mut inner: Tokenizer, stop_ids: Vec<i32>) -> Outcome<Self> {
        inner
            .with_truncation(None)
            .map_err(|e| Failure::corrupt(format!("tokenizer.json, truncation: {e}")))?;
        inner.with_padding(None);
        if let ModelWrapper::BPE(bpe) = inner.get_model() {
            if bpe.dropout.is_some_and(|share| share != 0.0) {
                return Err(Failure::unsupported("a tokenizer with dropout gives another answer each time"));
            }
        }
        check_ids(inner.get_model().get_vocab())?;
        let vocab = inner.get_vocab(true);
        let pieces = spell_vocabulary(&inner, &vocab)?;
        let mut plain = inner.get_added_vocabulary().clone();
        plain.set_encode_special_tokens(true);
        let missing = missing_bytes(&inner, &pieces);
        let memory_bytes = pieces.memory_bytes() + vocabulary_bytes(&inner, &vocab);
        Ok(Self { inner, plain, pieces, missing, stop_ids, memory_bytes })
    }

    pub fn to_json(&self) -> Outcome<String> {
        self.inner
            .to_string(false)
            .map_err(|e| Failure::corrupt(format!("cannot write the tokenizer: {e}")))
    }

    pub fn encode(&self, text: &str, parse_special: bool) -> Outcome<Vec<i32>> {
        let added = if parse_special { self.inner.get_added_vocabulary() } else { &self.plain };
        let failed = |e| Failure::invalid(format!("cannot be tokenized: {e}"));
        let mut pieces = added.extract_and_normalize(self.inner.get_normalizer(), text);
        if let Some(pre_tokenizer) = self.inner.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut pieces).map_err(failed)?;
        }
        pieces.tokenize(|piece| self.merge(piece.get())).map_err(failed)?;
        let encoding = pieces.into_encoding(None, 0, OffsetType::None).map_err(failed)?;
        Ok(encoding.get_ids().iter().map(|&id| id as i32).collect())
    }

    /// A byte without a token gives nothing, and its neighbours are not merged over it. The library alone would merge
    /// them; llama.cpp does not.
    fn merge(&self, word: &str) -> tokenizers::Result<Vec<Token>> {
        let model = self.inner.get_model();
        if self.missing.is_empty() || !word.contains(&self.missing[..]) {
            return model.tokenize(word);
        }
        let mut tokens = Vec::new();
        for part in word.split(&self.missing[..]).filter(|part| !part.is_empty()) {
            tokens.extend(model.tokenize(part)?);
        }
        Ok(tokens)
    }

    pub fn token_id(&self, name: &str) -> Option<u32> {
        self.inner.token_to_id(name)
    }

    pub fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    pub fn stop_ids(&self) -> &[i32] {
        &self.stop_ids
    }

    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }
}

fn spell_vocabulary(inner: &Tokenizer, vocab: &HashMap<String, u32>) -> Outcome<Pieces> {
    let decoder = serde_json::to_value(inner.get_decoder())
        .map_err(|e| Failure::corrupt(format!("tokenizer.json, decoder: {e}")))?;
    let spelling = Spelling::from_decoder(&decoder)?;
    let added = inner.get_added_tokens_decoder();
    let mut by_id: HashMap<u32, Entry> = HashMap::with_capacity(vocab.len());
    for (name, &id) in vocab {
        if id >= ID_LIMIT {
            return Err(Failure::unsupported(format!("token id {id}: only ids below {ID_LIMIT} are taken")));
        }
        let token = added.get(&id);
        let entry = Entry {
            id,
            name: token.map_or(name.as_str(), |token| token.content.as_str()),
            special: token.is_some_and(|token| token.special),
            added: token.is_some(),
        };
        let old = by_id.insert(id, entry);
        if old.is_some() && token.is_none() {
            return Err(Failure::corrupt(format!("token id {id} is given twice")));
        }
    }
    if by_id.is_empty() {
        return Err(Failure::corrupt("the vocabulary is empty"));
    }
    let count = by_id.keys().max().map_or(0, |&id| id as usize + 1);
    Ok(Pieces::new(&spelling, by_id.into_values().collect(), count))
}

/// A token's id must be its own: nothing could be decoded or written again otherwise.
fn check_ids(vocab: HashMap<String, u32>) -> Outcome<()> {
    let mut tokens = HashMap::with_capacity(vocab.len());
    for (token, id) in vocab {
        if let Some(other) = tokens.insert(id, token) {
            let token = &tokens[&id];
            return Err(Failure::corrupt(format!("the tokens '{other}' and '{token}' have the same id, {id}")));
        }
    }
    Ok(())
}

fn missing_bytes(inner: &Tokenizer, pieces: &Pieces) -> Vec<char> {
    let ModelWrapper::BPE(bpe) = inner.get_model() else { return Vec::new() };
    if !pieces.is_byte_level() || bpe.unk_token.is_some() || bpe.byte_fallback {
        return Vec::new();
    }
    let characters = (0..=u8::MAX).map(char_of_byte);
    characters.filter(|c| bpe.token_to_id(c.encode_utf8(&mut [0; 4])).is_none()).collect()
}

/// An estimate: the library keeps each name twice in hash maps, and merges as pairs of numbers.
fn vocabulary_bytes(inner: &Tokenizer, vocab: &HashMap<String, u32>) -> usize {
    const MAP_ENTRY: usize = 48;
    let names: usize = vocab.keys().map(|name| name.len() + MAP_ENTRY).sum();
    let merges = match inner.get_model() {
        ModelWrapper::BPE(_) => vocab.len() * MAP_ENTRY / 2,
        _ => vocab.len() * MAP_ENTRY,
    };
    2 * names + merges
}
