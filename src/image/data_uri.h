#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace axle::image {

// The bytes that a JSON field with a picture stands for: a data URI ("data:image/png;base64,...",
// whatever media type it names) or base64 alone, both as decode_base64() reads it. What kind of
// picture it is, if any, decode() tells by the bytes.
//
// Source: RFC 2397.
//
// Errors: kInvalidArgument  not base64; a data URI without ";base64" or without a comma; nothing in
//                           it; more than `limit_bytes`.
//         kExhausted        no memory.
Result<std::string> decode_picture_text(std::string_view text,
                                        std::size_t limit_bytes = std::size_t{64} << 20);

}  // namespace axle::image
