#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace axle {

// `bytes` in base64 with padding, without line breaks. Source: RFC 4648 section 4.
std::string encode_base64(std::string_view bytes);

// The bytes that `text` stands for. Either alphabet of RFC 4648 (sections 4 and 5) is read, also
// mixed; blanks, tabs and line ends may stand anywhere; padding may be left out. Everything else is
// refused: other characters, padding in the middle, too much of it, a lone last character, and last
// bits that belong to no byte but are set.
//
// Errors: kInvalidArgument  `text` is not base64 (says where), or stands for more than
//                           `limit_bytes`.
//         kExhausted        no memory.
Result<std::string> decode_base64(std::string_view text,
                                  std::size_t limit_bytes = std::size_t{1} << 30);

}  // namespace axle
