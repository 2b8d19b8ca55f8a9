#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "http/fetch.h"

namespace axle::http {

// Whether an address (4 or 16 bytes, network order) may be connected to.
using AddressRule = bool (*)(std::span<const std::uint8_t> address);

// fetch() under any rule, whatever `allow_private` says. Internal to the room: tests have no public
// addresses.
Result<std::string> fetch_under(AddressRule rule, const std::string& url,
                                const FetchOptions& options);

}  // namespace axle::http
