#pragma once

#include <cstdint>
#include <span>

namespace axle::http {

// True when `address` (network order; 4 bytes are IPv4, 16 are IPv6) is one of the public internet:
// not of this machine, of a private network, of documentation, of one link or of a group. IPv6
// addresses that carry an IPv4 one (mapped, NAT64, 6to4) count as that one. Any other size is not.
//
// Source: the IANA special-purpose address registries of IPv4 and IPv6 (RFC 6890), read 2025-11;
// RFC 4291 (mapped), RFC 6052 and RFC 8215 (NAT64), RFC 3056 (6to4), RFC 9637 (3fff::/20).
bool is_public_address(std::span<const std::uint8_t> address);

}  // namespace axle::http
