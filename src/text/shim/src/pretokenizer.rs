//! How text is cut into words before merging, by the names that model files use.

use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::tokenizer::SplitDelimiterBehavior;

use crate::ffi::{Failure, Outcome};

/// A way to cut text. The patterns are those that the models' own tokenizer.json files and llama.cpp
/// (src/llama-vocab.cpp) agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    Default,
    Gpt2,
    SmolLm,
    Qwen2,
    Qwen35,
    Llama3,
    /// As `Llama3`, all words by merges.
    Glm,
    O200k,
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

impl Cut {
    /// By the value of "tokenizer.ggml.pre". Source: llama.cpp, src/llama-vocab.cpp.
    pub fn from_gguf_name(name: &str) -> Outcome<Self> {
        match name {
            "" | "default" => Ok(Self::Default),
            "gpt-2" | "phi-2" | "exaone4" | "mpt" | "olmo" => Ok(Self::Gpt2),
            "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" => Ok(Self::SmolLm),
            "qwen2" | "deepseek-r1-qwen" | "megrez" | "stablelm2" | "hunyuan" => Ok(Self::Qwen2),
            "qwen35" => Ok(Self::Qwen35),
            "chatglm-bpe" => Ok(Self::Glm),
            "llama-bpe" | "llama3" | "llama-v3" | "falcon3" | "pixtral" | "lfm2" => Ok(Self::Llama3),
            other => Err(Failure::unsupported(format!(
                "pre-tokenizer {other:?} (known: default, gpt-2, smollm, qwen2, qwen35, llama-bpe and their other names)"
            ))),
        }
    }

    /// Whether a word that is itself a token is taken whole, even where no merges lead to it.
    pub fn takes_whole_words(self) -> bool {
        self == Self::Llama3
    }

    fn patterns(self) -> &'static [&'static str] {
        match self {
            Self::Default => &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
            Self::Gpt2 => &[GPT2],
            Self::SmolLm => &[r"\p{N}", GPT2],
            Self::Qwen2 => &[QWEN2],
            Self::Qwen35 => &[QWEN35],
            Self::Llama3 | Self::Glm => &[LLAMA3],
            Self::O200k => &[O200K],
        }
    }

    /// The cuts, then bytes as characters.
    pub fn pre_tokenizer(self) -> Outcome<PreTokenizerWrapper> {
        let mut parts: Vec<PreTokenizerWrapper> = Vec::new();
        for pattern in self.patterns() {
            let pattern = SplitPattern::Regex(pattern.to_string());
            let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
                .map_err(|e| Failure::corrupt(format!("pre-tokenizer pattern: {e}")))?;
            parts.push(split.into());
        }
        parts.push(ByteLevel::new(false, false, false).into());
        Ok(Sequence::new(parts).into())
    }
}
