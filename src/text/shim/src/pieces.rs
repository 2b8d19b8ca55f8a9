//! The bytes that each token stands for, found from the decoder of the tokenizer.

use serde_json::Value;

use crate::ffi::{Failure, Outcome};

/// How the names of tokens are turned into bytes.
#[derive(Debug, Default, PartialEq)]
pub struct Spelling {
    byte_level: bool,
    byte_fallback: bool,
    strip_first_blank: bool,
    replacements: Vec<(String, String)>,
}

impl Spelling {
    /// Reads the "decoder" member of a tokenizer.json. A decoder whose result depends on the neighbours of a token
    /// is refused: tokens must stand for fixed bytes.
    pub fn from_decoder(decoder: &Value) -> Outcome<Self> {
        let mut spelling = Self::default();
        spelling.add(decoder)?;
        Ok(spelling)
    }

    fn add(&mut self, decoder: &Value) -> Outcome<()> {
        let kind = decoder["type"].as_str().unwrap_or("none");
        match kind {
            "ByteLevel" => self.byte_level = true,
            "ByteFallback" => self.byte_fallback = true,
            "Fuse" => {}
            "Sequence" => {
                for part in decoder["decoders"].as_array().into_iter().flatten() {
                    self.add(part)?;
                }
            }
            "Replace" => self.add_replacement(decoder)?,
            "Metaspace" => {
                let mark = decoder["replacement"].as_str().unwrap_or("\u{2581}");
                self.replacements.push((mark.to_string(), " ".to_string()));
                self.strip_first_blank |= decoder["prepend_scheme"].as_str() != Some("never");
            }
            "Strip" => {
                let one_blank = decoder["content"].as_str() == Some(" ")
                    && decoder["start"].as_u64() == Some(1)
                    && decoder["stop"].as_u64() == Some(0);
                if !one_blank {
                    return Err(Failure::unsupported("the decoder \"Strip\" removes more than one first blank"));
                }
                self.strip_first_blank = true;
            }
            other => {
                return Err(Failure::unsupported(format!(
                    "tokenizer with the decoder {other:?}: its tokens do not stand for fixed bytes \
                     (known: ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip)"
                )))
            }
        }
        Ok(())
    }

    fn add_replacement(&mut self, decoder: &Value) -> Outcome<()> {
        match (decoder["pattern"]["String"].as_str(), decoder["content"].as_str()) {
            (Some(from), Some(to)) if !from.is_empty() => {
                self.replacements.push((from.to_string(), to.to_string()));
                Ok(())
            }
            _ => Err(Failure::unsupported("the decoder \"Replace\" has no plain text to replace")),
        }
    }

    fn spell(&self, name: &str, special: bool, added: bool, out: &mut Vec<u8>) {
        if special {
            out.extend_from_slice(name.as_bytes());
        } else if self.byte_level {
            if added || !push_byte_level(name, out) {
                out.extend_from_slice(name.as_bytes());
            }
        } else if let Some(byte) = fallback_byte(name).filter(|_| self.byte_fallback) {
            out.push(byte);
        } else {
            let mut text = name.to_string();
            for (from, to) in &self.replacements {
                text = text.replace(from.as_str(), to);
            }
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// The byte of a name such as "<0x0A>".
pub fn fallback_byte(name: &str) -> Option<u8> {
    let digits = name.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}

/// The byte behind a character of a byte-level vocabulary.
/// Source: GPT-2's encoder.py, bytes_to_unicode(): printable Latin-1 stands for itself, the other bytes for
/// U+0100 and up in order.
pub fn byte_of_char(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ (0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF) => Some(code as u8),
        code @ 0x100..=0x120 => Some((code - 0x100) as u8),
        code @ 0x121..=0x142 => Some((code - 0x121 + 0x7F) as u8),
        0x143 => Some(0xAD),
        _ => None,
    }
}

/// The character that stands for `byte` in a byte-level vocabulary; inverse of `byte_of_char`.
pub fn char_of_byte(byte: u8) -> char {
    let code = match byte {
        0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF => u32::from(byte),
        0x00..=0x20 => u32::from(byte) + 0x100,
        0x7F..=0xA0 => u32::from(byte) - 0x7F + 0x121,
        0xAD => 0x143,
    };
    char::from_u32(code).unwrap_or('?')
}

fn push_byte_level(name: &str, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    for c in name.chars() {
        match byte_of_char(c) {
            Some(byte) => out.push(byte),
            None => {
                out.truncate(start);
                return false;
            }
        }
    }
    true
}

/// One entry of the vocabulary, before it is spelled.
pub struct Entry<'a> {
    pub id: u32,
    pub name: &'a str,
    pub special: bool,
    pub added: bool,
}

/// The bytes of all tokens in one block.
#[derive(Debug, Default)]
pub struct Pieces {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    special: Vec<bool>,
    strips_first_blank: bool,
    byte_level: bool,
}

impl Pieces {
    /// `entries` in any order, each id at most once and below `count`.
    pub fn new(spelling: &Spelling, mut entries: Vec<Entry>, count: usize) -> Self {
        entries.sort_unstable_by_key(|entry| entry.id);
        let mut pieces = Self {
            bytes: Vec::new(),
            ends: Vec::with_capacity(count),
            special: vec![false; count],
            strips_first_blank: spelling.strip_first_blank,
            byte_level: spelling.byte_level,
        };
        for entry in &entries {
            let id = entry.id as usize;
            pieces.ends.resize(id, pieces.bytes.len() as u32);
            spelling.spell(entry.name, entry.special, entry.added, &mut pieces.bytes);
            pieces.ends.push(pieces.bytes.len() as u32);
            pieces.special[id] = entry.special;
        }
        pieces.ends.resize(count, pieces.bytes.len() as u32);
        pieces
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn bytes(&self, id: usize) -> &[u8] {
        let Some(&end) = self.ends.get(id) else { return &[] };
        let begin = if id == 0 { 0 } else { self.ends[id - 1] };
        &self.bytes[begin as usize..end as usize]
    }

    pub fn is_special(&self, id: usize) -> bool {
        self.special.get(id).copied().unwrap_or(false)
    }

    pub fn strips_first_blank(&self) -> bool {
        self.strips_first_blank
    }

    pub fn is_byte_level(&self) -> bool {
        self.byte_level
    }

    pub fn memory_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * 5
    }
}
