#pragma once

#include <string_view>

#include "base/status.h"

namespace axle {

// TOML has other characters than ASCII in strings and comments only. Refuses them elsewhere: the
// parser in use (toml++ 3.3) has undefined behaviour where it meets such a letter outside.
// Errors: kInvalidArgument  the line, for a message that the file's name can go before.
Status check_toml_text(std::string_view text);

}  // namespace axle
