#pragma once

#include <string>
#include <string_view>

namespace axle::text {

// The characters, in UTF-8, that byte-level vocabularies (GPT-2, CLIP) write for `bytes`: one for
// each, none of them blank. Source: openai/gpt-2, src/encoder.py, bytes_to_unicode().
std::string byte_level(std::string_view bytes);

// Is the byte written as the character of its own number? The others follow from U+0100 on.
bool is_own_character(unsigned char byte);

}  // namespace axle::text
