//! Tokenizers built from lists of tokens and merges.

use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as DecoderSequence;
use tokenizers::decoders::strip::Strip;
use tokenizers::decoders::DecoderWrapper;
use tokenizers::models::bpe::BpeBuilder;
use tokenizers::normalizers::replace::Replace;
use tokenizers::normalizers::{NormalizerWrapper, Prepend, Sequence as NormalizerSequence, NFC};
use tokenizers::{AddedToken, Tokenizer};

use crate::ffi::{Failure, Outcome};
use crate::pieces::fallback_byte;
use crate::pretokenizer::Cut;
use crate::tokenizer::TextTokenizer;

/// U+2581, which stands for a blank in sentencepiece vocabularies.
pub const BLANK_MARK: &str = "\u{2581}";

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A piece of text that merging finds.
    Text,
    /// A byte of unknown characters, or an entry that nothing produces.
    Inner,
    /// Text that is looked for before merging.
    Added,
    /// Structure: looked for before merging, and no text.
    Special,
}

/// How blanks are written in the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Bytes as characters, words cut first.
    ByteLevel(Cut),
    /// As `ByteLevel`, text composed (NFC) first.
    ComposedByteLevel(Cut),
    /// U+2581 for a blank, with or without one before the text.
    Marked { first_blank: bool },
    /// Blanks as they are, no cuts.
    Raw,
}

pub struct Vocabulary<'a> {
    /// (name, id): each name and each id once.
    pub tokens: Vec<(&'a str, u32)>,
    pub kinds: Vec<Kind>, // Beside `tokens`.
    pub merges: Vec<(String, String)>,
    pub style: Style,
    pub unknown: Option<&'a str>,
    pub stop_ids: Vec<i32>,
}

impl Vocabulary<'_> {
    pub fn build(self) -> Outcome<TextTokenizer> {
        let mut tokenizer = Tokenizer::new(self.model()?);
        let fail = |e| Failure::corrupt(format!("cannot build the tokenizer: {e}"));
        let (normalizer, decoder) = (normalizer(self.style)?, decoder(self.style)?);
        if let Some(normalizer) = normalizer {
            tokenizer.with_normalizer(Some(normalizer)).map_err(fail)?;
        }
        if let Style::ByteLevel(cut) | Style::ComposedByteLevel(cut) = self.style {
            tokenizer.with_pre_tokenizer(Some(cut.pre_tokenizer()?));
        }
        tokenizer.with_decoder(Some(decoder));
        let added = self.tokens.iter().zip(&self.kinds).filter_map(|(&(name, _), &kind)| {
            let special = kind == Kind::Special;
            (special || kind == Kind::Added)
                .then(|| AddedToken::from(name, special).normalized(false))
        });
        tokenizer.add_tokens(added.collect::<Vec<_>>()).map_err(fail)?;
        TextTokenizer::new(tokenizer, self.stop_ids)
    }

    fn model(&self) -> Outcome<tokenizers::models::bpe::BPE> {
        let vocab = self.tokens.iter().map(|&(name, id)| (name.to_string(), id)).collect();
        let whole_words = match self.style {
            Style::ByteLevel(cut) | Style::ComposedByteLevel(cut) => cut.takes_whole_words(),
            _ => false,
        };
        let has_bytes = self.tokens.iter().any(|&(name, _)| fallback_byte(name).is_some());
        let byte_fallback = has_bytes && matches!(self.style, Style::Marked { .. } | Style::Raw);
        let mut builder = BpeBuilder::new();
        builder = BpeBuilder::vocab_and_merges::<ahash::AHashMap<String, u32>>(builder, vocab, self.merges.clone())
            .ignore_merges(whole_words)
            .byte_fallback(byte_fallback)
            .fuse_unk(byte_fallback);
        if let Some(unknown) = self.unknown {
            builder = builder.unk_token(unknown.to_string());
        }
        builder.build().map_err(|e| Failure::corrupt(format!("merges do not fit the tokens: {e}")))
    }
}

fn normalizer(style: Style) -> Outcome<Option<NormalizerWrapper>> {
    let Style::Marked { first_blank } = style else {
        let composed = matches!(style, Style::ComposedByteLevel(_));
        return Ok(composed.then(|| NFC.into()));
    };
    let replace = Replace::new(" ", BLANK_MARK).map_err(|e| Failure::corrupt(e.to_string()))?;
    let mut parts: Vec<NormalizerWrapper> = Vec::new();
    if first_blank {
        parts.push(Prepend::new(BLANK_MARK.to_string()).into());
    }
    parts.push(replace.into());
    Ok(Some(NormalizerSequence::new(parts).into()))
}

fn decoder(style: Style) -> Outcome<DecoderWrapper> {
    let mut parts: Vec<DecoderWrapper> = Vec::new();
    match style {
        Style::ByteLevel(_) | Style::ComposedByteLevel(_) => return Ok(ByteLevel::new(false, false, false).into()),
        Style::Marked { .. } => {
            let replace = Replace::new(BLANK_MARK, " ").map_err(|e| Failure::corrupt(e.to_string()))?;
            parts.push(replace.into());
        }
        Style::Raw => {}
    }
    parts.push(ByteFallback::new().into());
    parts.push(Fuse::new().into());
    if style == (Style::Marked { first_blank: true }) {
        parts.push(Strip::new(' ', 1, 0).into());
    }
    Ok(DecoderSequence::new(parts).into())
}

/// All pairs of tokens that join to a token of `pieces` (name, priority), those of the highest priority first. This is
/// what merging "the best neighbour pair" means where a vocabulary has scores or ranks and no list of merges.
pub fn merges_by_priority(
    pieces: &[(&str, f64)],
    is_token: impl Fn(&str) -> bool,
) -> Vec<(String, String)> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by(|&a, &b| pieces[b].1.total_cmp(&pieces[a].1).then(a.cmp(&b)));
    let mut merges = Vec::new();
    for index in order {
        let name = pieces[index].0;
        for (at, _) in name.char_indices().skip(1) {
            let (left, right) = name.split_at(at);
            if is_token(left) && is_token(right) {
                merges.push((left.to_string(), right.to_string()));
            }
        }
    }
    merges
}
