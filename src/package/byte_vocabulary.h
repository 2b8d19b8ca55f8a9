#pragma once

#include <cstddef>

#include "base/result.h"
#include "text/tokenizer.h"

// A vocabulary that needs no data from elsewhere. Not part of the room's interface.
namespace axle::package {

inline constexpr std::size_t kMinByteVocabulary = 256 + 3;

// A byte-level BPE tokenizer of exactly `size` tokens: the 256 bytes, "<|endoftext|>",
// "<|im_start|>", "<|im_end|>", then blanks followed by letters, " a" to " z", " aa", " ab" and so
// on: shorter before longer, in the order of the alphabet; where there is room, some common longer
// words too. Text and tokens of it survive a way there and back: words merge letter by letter.
//
// Errors: kInvalidArgument  a size below kMinByteVocabulary or above 450000.
Result<text::Tokenizer> make_byte_vocabulary(std::size_t size);

}  // namespace axle::package
