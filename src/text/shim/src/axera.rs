//! The vendor's text tokenizer, e.g. qwen3_tokenizer.txt.
//!
//! Source: github.com/ZHEQIUSHUI/tokenizer, tests/convert_tokenizer.py (the writer, commit 0f31721) and
//! src/tokenizer/tokenizer_optimized.cpp (the vendor's reader, commit 32f56e2); the format is that of MNN's tokenizer.txt.
//!
//! ```text
//! 430 KIND                              0 sentencepiece, 1 tiktoken, 2 BERT, 3 Hugging Face BPE
//! SPECIALS STOPS PREFIXES               how many of each
//! id id id ...                          those, in that order, in one line
//! kind 0: COUNT, then lines "base64 score type"         (types are sentencepiece's)
//! kind 1: COUNT, then lines "base64"                    (the index is id and rank)
//! kind 3: COUNT MERGES [FAMILY], then COUNT tokens, then MERGES lines "left right"
//!         (a token or both sides of a merge may be written "b64:" and base64)
//! ```

use std::collections::HashSet;

use crate::ffi::{Failure, Outcome};
use crate::pieces::char_of_byte;
use crate::pretokenizer::Cut;
use crate::tokenizer::TextTokenizer;
use crate::vocabulary::{merges_by_priority, Kind, Style, Vocabulary, BLANK_MARK};

const MAGIC: &str = "430";
const SENTENCE_PIECE: &str = "0";
const TIKTOKEN: &str = "1";
const HUGGING_FACE: &str = "3";
/// What the writer puts where an id has no token.
const HOLE: &str = "<unk>";
/// More than any vocabulary or list of merges that is known; a wrong count must not take memory.
const COUNT_LIMIT: usize = 1 << 22;

pub fn read(bytes: &[u8]) -> Outcome<TextTokenizer> {
    let mut lines = Lines::new(bytes);
    let first = lines.next("the first line")?.to_string();
    let mut words = first.split_ascii_whitespace();
    if words.next() != Some(MAGIC) {
        return Err(lines.corrupt("not a vendor tokenizer: the first line does not begin with \"430 \""));
    }
    match words.next() {
        Some(SENTENCE_PIECE) => read_sentence_piece(lines),
        Some(TIKTOKEN) => read_tiktoken(lines),
        Some(HUGGING_FACE) => read_hugging_face(lines),
        other => Err(Failure::unsupported(format!(
            "vendor tokenizer of kind {} (known: 0 sentencepiece, 1 tiktoken, 3 Hugging Face BPE)",
            other.unwrap_or("(none)")
        ))),
    }
}

/// The lines of the file, with their number for messages.
struct Lines<'a> {
    rest: std::slice::Split<'a, u8, fn(&u8) -> bool>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let is_end: fn(&u8) -> bool = |&byte| byte == b'\n';
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Self { rest: bytes.split(is_end), number: 0 }
    }

    fn corrupt(&self, what: impl std::fmt::Display) -> Failure {
        Failure::corrupt(format!("line {}: {what}", self.number))
    }

    fn next(&mut self, what: &str) -> Outcome<&'a str> {
        self.number += 1;
        let line = self.rest.next().ok_or_else(|| self.corrupt(format!("the file ends before {what}")))?;
        std::str::from_utf8(line).map_err(|_| self.corrupt(format!("{what} is not UTF-8")))
    }

    fn numbers(&mut self, what: &str) -> Outcome<Vec<usize>> {
        let line = self.next(what)?;
        let numbers: Result<Vec<usize>, _> = line.split_ascii_whitespace().map(str::parse).collect();
        let numbers = numbers.map_err(|_| self.corrupt(format!("{what}: {line:?} is not numbers")))?;
        match numbers.iter().find(|&&number| number > COUNT_LIMIT) {
            Some(number) => Err(self.corrupt(format!("{what}: {number} is more than {COUNT_LIMIT}"))),
            None => Ok(numbers),
        }
    }

    fn count(&mut self) -> Outcome<usize> {
        match self.numbers("the number of tokens")?[..] {
            [count] => Ok(count),
            _ => Err(self.corrupt("one number is wanted: how many tokens")),
        }
    }
}

/// The three lists of ids before the vocabulary.
struct Marks {
    special: HashSet<usize>,
    stops: Vec<usize>,
}

impl Marks {
    fn read(lines: &mut Lines) -> Outcome<Self> {
        let counts = lines.numbers("the numbers of special, stop and prefix tokens")?;
        let [special, stops, prefixes] = counts[..] else {
            return Err(lines.corrupt(format!("{} numbers where 3 are wanted", counts.len())));
        };
        let ids = lines.numbers("the special tokens")?;
        if ids.len() != special + stops + prefixes {
            return Err(lines.corrupt(format!("{} ids where {} are announced", ids.len(), special + stops + prefixes)));
        }
        Ok(Self {
            special: ids[..special].iter().copied().collect(),
            stops: ids[special..special + stops].to_vec(),
        })
    }

    /// The writer lists all added tokens as special. Of those, names such as "<think>" are text of an answer; structure
    /// is written "<|name|>" or is one of the classic names.
    fn kind(&self, id: usize, name: &str) -> Kind {
        const CLASSIC: [&str; 10] = [
            "<s>", "</s>", "<unk>", "<pad>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "[UNK]", "[PAD]",
        ];
        let barred = (name.starts_with("<|") && name.ends_with("|>"))
            || (name.starts_with("<\u{FF5C}") && name.ends_with("\u{FF5C}>"));
        if self.stops.contains(&id) {
            Kind::Special
        } else if !self.special.contains(&id) {
            Kind::Text
        } else if barred || CLASSIC.contains(&name) {
            Kind::Special
        } else {
            Kind::Added
        }
    }

    fn stop_ids(&self) -> Vec<i32> {
        self.stops.iter().map(|&id| id as i32).collect()
    }
}

/// Names with their ids; what stands for a hole, and doubled names but for the first, are left out.
fn distinct<'a>(names: &'a [String]) -> Vec<(&'a str, u32)> {
    let mut seen: HashSet<&str> = HashSet::with_capacity(names.len());
    let pairs = names.iter().zip(0u32..).map(|(name, id)| (name.as_str(), id));
    pairs.filter(|&(name, _)| !name.is_empty() && seen.insert(name)).collect()
}

fn build(
    names: &[String],
    marks: &Marks,
    kind: impl Fn(usize, &str) -> Kind,
    style: Style,
    merges: Vec<(String, String)>,
) -> Outcome<TextTokenizer> {
    let tokens = distinct(names);
    let kinds = tokens.iter().map(|&(name, id)| kind(id as usize, name)).collect();
    let marked = matches!(style, Style::Marked { .. } | Style::Raw);
    let unknown = names.iter().find(|name| marked && name.as_str() == HOLE).map(String::as_str);
    Vocabulary { tokens, kinds, merges, style, unknown, stop_ids: marks.stop_ids() }.build()
}

fn read_hugging_face(mut lines: Lines) -> Outcome<TextTokenizer> {
    let marks = Marks::read(&mut lines)?;
    let counts = lines.numbers("the numbers of tokens and merges")?;
    let (count, merge_count, family) = match counts[..] {
        [count, merges] => (count, merges, 0),
        [count, merges, family] => (count, merges, family),
        _ => return Err(lines.corrupt(format!("{} numbers where 2 or 3 are wanted", counts.len()))),
    };
    let mut names = Vec::new();
    for _ in 0..count {
        let line = lines.next("the last token")?;
        names.push(unpack(line).map_err(|what| lines.corrupt(what))?);
    }
    let mut merges = Vec::new();
    for rank in 0..merge_count {
        let line = lines.next("the last merge")?.trim_end_matches('\r');
        // The header of a merges.txt that was copied whole.
        if !(rank == 0 && line.starts_with("#version")) {
            merges.push(merge_sides(line).map_err(|what| lines.corrupt(what))?);
        }
    }
    build(&names, &marks, |id, name| marks.kind(id, name), style(&names, family)?, merges)
}

/// Source: `_pretok_family` of the writer; blanks as in the vendor's reader.
fn style(names: &[String], family: usize) -> Outcome<Style> {
    let count = |mark: &str| names.iter().filter(|name| name.starts_with(mark)).count();
    if count(BLANK_MARK) > 8 * count("\u{120}") {
        return Ok(Style::Marked { first_blank: false });
    }
    let place = |name: &str| names.iter().position(|other| other == name);
    let qwen = place("<|endoftext|>") == Some(151_643);
    let cut = match family {
        0 if qwen => Cut::Qwen2,
        0 if place("<|im_start|>") == Some(1) => Cut::SmolLm,
        0 if place("<|begin_of_text|>") == Some(128_000) => Cut::Llama3,
        0 => Cut::Gpt2,
        1 => Cut::Qwen35,
        2 => Cut::Qwen2,
        3 => Cut::Glm,
        4 => Cut::O200k,
        other => {
            return Err(Failure::unsupported(format!("vendor tokenizer with pre-tokenizer {other} (known: 0 to 4)")))
        }
    };
    Ok(if qwen { Style::ComposedByteLevel(cut) } else { Style::ByteLevel(cut) })
}

fn unpack(line: &str) -> Result<String, String> {
    match line.strip_prefix("b64:") {
        None => Ok(line.to_string()),
        Some(packed) => String::from_utf8(from_base64(packed)?).map_err(|_| "a token is not UTF-8".to_string()),
    }
}

fn merge_sides(line: &str) -> Result<(String, String), String> {
    let (left, right) = line.split_once(' ').ok_or_else(|| format!("{line:?} is not two tokens"))?;
    if line.starts_with("b64:") {
        return Ok((unpack(left)?, unpack(right)?));
    }
    Ok((left.to_string(), right.to_string()))
}

fn read_tiktoken(mut lines: Lines) -> Outcome<TextTokenizer> {
    let marks = Marks::read(&mut lines)?;
    let names = packed_names(&mut lines, &marks)?;
    let kind = |id: usize, name: &str| marks.kind(id, name);
    let pieces: Vec<(&str, f64)> = distinct(&names)
        .into_iter()
        .filter(|&(name, id)| kind(id as usize, name) == Kind::Text)
        .map(|(name, id)| (name, -f64::from(id)))
        .collect();
    let known: HashSet<&str> = pieces.iter().map(|&(name, _)| name).collect();
    let merges = merges_by_priority(&pieces, |name| known.contains(name));
    build(&names, &marks, kind, style(&names, 0)?, merges)
}

/// Plain tokens get the names of a byte-level vocabulary; a special one keeps its own.
fn packed_names(lines: &mut Lines, marks: &Marks) -> Outcome<Vec<String>> {
    let count = lines.count()?;
    let mut names = Vec::new();
    for id in 0..count {
        let line = lines.next("the last token")?.trim_end_matches('\r');
        let bytes = from_base64(line).map_err(|what| lines.corrupt(what))?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        names.push(if marks.kind(id, text) == Kind::Text {
            bytes.iter().map(|&byte| char_of_byte(byte)).collect()
        } else {
            text.to_string()
        });
    }
    Ok(names)
}

/// Types of sentencepiece's pieces. Source: sentencepiece_model.proto, SentencePiece.Type.
const NORMAL: u32 = 1;
const UNKNOWN: u32 = 2;
const CONTROL: u32 = 3;
const USER_DEFINED: u32 = 4;

fn read_sentence_piece(mut lines: Lines) -> Outcome<TextTokenizer> {
    let marks = Marks::read(&mut lines)?;
    let count = lines.count()?;
    let (mut names, mut types, mut scores) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let line = lines.next("the last token")?;
        let (name, score, kind) = piece(line).map_err(|what| lines.corrupt(what))?;
        names.push(name);
        scores.push(score);
        types.push(kind);
    }
    let kind = |id: usize, name: &str| match (types[id], marks.kind(id, name)) {
        (UNKNOWN | CONTROL, _) => Kind::Special,
        (_, Kind::Special) => Kind::Special,
        (USER_DEFINED, _) | (_, Kind::Added) => Kind::Added,
        (NORMAL, _) => Kind::Text,
        _ => Kind::Inner,
    };
    let pieces: Vec<(&str, f64)> = distinct(&names)
        .into_iter()
        .filter(|&(name, id)| kind(id as usize, name) == Kind::Text)
        .map(|(name, id)| (name, scores[id as usize]))
        .collect();
    let known: HashSet<&str> = pieces.iter().map(|&(name, _)| name).collect();
    let merges = merges_by_priority(&pieces, |name| known.contains(name));
    build(&names, &marks, kind, Style::Raw, merges)
}

fn piece(line: &str) -> Result<(String, f64, u32), String> {
    let wanted = || format!("{line:?} is not \"base64 score type\"");
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [packed, score, kind] = words[..] else { return Err(wanted()) };
    let name = String::from_utf8(from_base64(packed)?).map_err(|_| "a token is not UTF-8".to_string())?;
    let score: f64 = score.parse().map_err(|_| wanted())?;
    Ok((name, score, kind.parse().map_err(|_| wanted())?))
}

/// RFC 4648, section 4; the padding may be missing.
fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in digits.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(format!("{text:?} is not base64")),
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Ok(out)
}
