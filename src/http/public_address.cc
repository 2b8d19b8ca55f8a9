#include "http/public_address.h"

#include <algorithm>
#include <array>

namespace axle::http {

namespace {

// The addresses whose first `bits` bits are those of `start`.
struct Block {
  std::uint32_t start;
  int bits;  // 1 to 32.
};

constexpr std::array kNotPublicIpv4 = {
    Block{0x00'00'00'00, 8},   // 0.0.0.0/8, this network.
    Block{0x0a'00'00'00, 8},   // 10.0.0.0/8, private (RFC 1918).
    Block{0x64'40'00'00, 10},  // 100.64.0.0/10, shared by a provider's customers (RFC 6598).
    Block{0x7f'00'00'00, 8},   // 127.0.0.0/8, loopback.
    Block{0xa9'fe'00'00, 16},  // 169.254.0.0/16, link-local; metadata of clouds.
    Block{0xac'10'00'00, 12},  // 172.16.0.0/12, private (RFC 1918).
    Block{0xc0'00'00'00, 24},  // 192.0.0.0/24, protocol assignments.
    Block{0xc0'00'02'00, 24},  // 192.0.2.0/24, documentation.
    Block{0xc0'58'63'00, 24},  // 192.88.99.0/24, relays of 6to4, no longer used (RFC 7526).
    Block{0xc0'a8'00'00, 16},  // 192.168.0.0/16, private (RFC 1918).
    Block{0xc6'12'00'00, 15},  // 198.18.0.0/15, benchmarks.
    Block{0xc6'33'64'00, 24},  // 198.51.100.0/24, documentation.
    Block{0xcb'00'71'00, 24},  // 203.0.113.0/24, documentation.
    Block{0xe0'00'00'00, 3},   // 224.0.0.0/3, multicast, reserved and broadcast.
};

// Of IPv6, 2000::/3 is in use for public addresses; these parts of it are not public. The first 32
// bits tell.
constexpr Block kGlobalIpv6{0x2000'0000, 3};
constexpr std::array kNotPublicIpv6 = {
    Block{0x2001'0000, 23},  // 2001::/23, protocol assignments: Teredo, benchmarks, ORCHID.
    Block{0x2001'0db8, 32},  // 2001:db8::/32, documentation.
    Block{0x3fff'0000, 20},  // 3fff::/20, documentation.
};
constexpr Block k6to4{0x2002'0000, 16};

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 12> kNat64 = {0, 0x64, 0xff, 0x9b};  // 64:ff9b::/96.

bool is_in(std::uint32_t address, Block block) {
  return (address ^ block.start) >> (32 - block.bits) == 0;
}

template <std::size_t kCount>
bool is_in_any(std::uint32_t address, const std::array<Block, kCount>& blocks) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [address](Block block) { return is_in(address, block); });
}

std::uint32_t number(std::span<const std::uint8_t, 4> bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

bool is_public_ipv4(std::span<const std::uint8_t, 4> address) {
  return !is_in_any(number(address), kNotPublicIpv4);
}

bool is_public_ipv6(std::span<const std::uint8_t, 16> address) {
  const auto starts_with = [address](const std::array<std::uint8_t, 12>& prefix) {
    return std::equal(prefix.begin(), prefix.end(), address.begin());
  };
  if (starts_with(kMapped) || starts_with(kNat64)) return is_public_ipv4(address.last<4>());
  const std::uint32_t start = number(address.first<4>());
  if (is_in(start, k6to4)) return is_public_ipv4(address.subspan<2, 4>());
  return is_in(start, kGlobalIpv6) && !is_in_any(start, kNotPublicIpv6);
}

}  // namespace

bool is_public_address(std::span<const std::uint8_t> address) {
  if (address.size() == 4) return is_public_ipv4(address.first<4>());
  if (address.size() == 16) return is_public_ipv6(address.first<16>());
  return false;
}

}  // namespace axle::http
