#include "http/public_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace axle::http {
namespace {

bool is_public(const std::string& text) {
  std::array<std::uint8_t, 16> bytes{};
  const bool ipv6 = text.find(':') != std::string::npos;
  EXPECT_EQ(::inet_pton(ipv6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()), 1) << text;
  return is_public_address(std::span(bytes).first(ipv6 ? 16 : 4));
}

TEST(PublicAddressTest, AddressesOfTheInternetArePublic) {
  for (const char* address : {"1.1.1.1",         "9.255.255.255",        "11.0.0.0",
                              "100.63.255.255",  "100.128.0.0",          "126.255.255.255",
                              "128.0.0.0",       "169.253.255.255",      "169.255.0.0",
                              "172.15.255.255",  "172.32.0.0",           "192.0.1.0",
                              "192.0.3.0",       "192.88.98.255",        "192.88.100.0",
                              "192.167.255.255", "192.169.0.0",          "198.17.255.255",
                              "198.20.0.0",      "198.51.99.255",        "198.51.101.0",
                              "203.0.112.255",   "203.0.114.0",          "223.255.255.255",
                              "2000::1",         "2001:200::1",          "2001:db7::1",
                              "2001:db9::1",     "2606:4700:4700::1111", "3ffe:ffff::1",
                              "3fff:1000::1"}) {
    EXPECT_TRUE(is_public(address)) << address;
  }
}

TEST(PublicAddressTest, SpecialAddressesOfIpv4AreNot) {
  for (const char* address : {"0.0.0.0",      "0.255.255.255",   "10.0.0.0",   "10.255.255.255",
                              "100.64.0.0",   "100.127.255.255", "127.0.0.1",  "127.255.255.255",
                              "169.254.0.0",  "169.254.169.254", "172.16.0.0", "172.31.255.255",
                              "192.0.0.0",    "192.0.0.255",     "192.0.2.1",  "192.88.99.1",
                              "192.168.0.0",  "192.168.255.255", "198.18.0.0", "198.19.255.255",
                              "198.51.100.1", "203.0.113.1",     "224.0.0.1",  "239.255.255.255",
                              "240.0.0.1",    "255.255.255.255"}) {
    EXPECT_FALSE(is_public(address)) << address;
  }
}

TEST(PublicAddressTest, SpecialAddressesOfIpv6AreNot) {
  for (const char* address :
       {"::",      "::1",          "::7f00:1",   "100::1",           "1fff::1",
        "2001::1", "2001:2::1",    "2001:10::1", "2001:1ff:ffff::1", "2001:db8::1",
        "3fff::1", "3fff:fff::1",  "4000::1",    "5f00::1",          "fbff::1",
        "fc00::1", "fd12:3456::1", "fe80::1",    "fec0::1",          "ff02::1"}) {
    EXPECT_FALSE(is_public(address)) << address;
  }
}

TEST(PublicAddressTest, AnIpv4AddressWithinIpv6CountsAsItself) {
  EXPECT_TRUE(is_public("::ffff:1.1.1.1"));
  EXPECT_FALSE(is_public("::ffff:127.0.0.1"));
  EXPECT_FALSE(is_public("::ffff:10.0.0.1"));
  EXPECT_TRUE(is_public("64:ff9b::1.1.1.1"));
  EXPECT_FALSE(is_public("64:ff9b::192.168.0.1"));
  EXPECT_TRUE(is_public("2002:101:101::1"));
  EXPECT_FALSE(is_public("2002:a9fe:a9fe::1"));
  EXPECT_FALSE(is_public("64:ff9b:1::1.1.1.1"));  // A network's own NAT64.
  EXPECT_FALSE(is_public("::1.1.1.1"));           // No longer a form of IPv4 (RFC 4291).
}

TEST(PublicAddressTest, WhatIsNoAddressIsNotPublic) {
  const std::array<std::uint8_t, 17> bytes = {1, 1, 1, 1};
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    if (size == 4 || size == 16) continue;
    EXPECT_FALSE(is_public_address(std::span(bytes).first(size))) << size;
  }
}

}  // namespace
}  // namespace axle::http
