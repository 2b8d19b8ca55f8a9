#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

// A tiny stand-in for libaxcl_rt.so for this room's unit tests: every call is recorded and may be
// told to fail. Its "card memory" is host memory; its one engine adds 1 to every byte of "input".
// It is a shared object of its own; tests reach its state through fake_axcl().
struct FakeTensor {
  const char* name;
  std::uint64_t size_bytes[2];  // Per group.
  int type;
};

struct FakeAxcl {
  std::map<std::string, std::deque<std::int32_t>> results;  // Next answers by function; then 0.
  std::function<void(const std::string&)> on_call;          // Before each answer.
  std::vector<std::string> calls;                           // In order.
  bool quick = false;  // For measurements: nothing recorded, nothing fails.

  std::vector<std::int32_t> devices = {3, 129};
  std::string printed;  // What axclInit prints to standard output.
  std::int32_t selected = 0;
  std::uint32_t cmm_free_kib = 1000;
  std::string firmware = "V3.10.2_20251215140224";
  std::int32_t temperature_millidegree = 54321;
  bool null_handles = false;  // Creating functions answer success and give nothing.
  std::int32_t group_count = 2;
  std::int32_t dim_count = 2;
  std::vector<FakeTensor> inputs = {{"K_cache", {64, 32}, 14}, {"input", {16, 32}, 14}};
  std::vector<FakeTensor> outputs = {{"K_cache_out", {16, 32}, 14}, {"output", {16, 32}, 14}};

  std::map<void*, std::size_t> blocks;  // Live allocations.
  std::set<std::uint64_t> engines;      // Loaded.
  std::set<void*> ios, io_infos, streams;

  std::size_t count(const std::string& name) const {
    return static_cast<std::size_t>(std::count(calls.begin(), calls.end(), name));
  }
  // Frees what the client left on the card, as the end of its process does.
  void release_all() {
    for (const auto& [block, size] : blocks) std::free(block);
    for (const std::set<void*>* handles : {&ios, &io_infos, &streams}) {
      for (void* handle : *handles) std::free(handle);
    }
    *this = {};
  }
  void fail_next(const std::string& name, std::uint32_t bits) {
    results[name].push_back(static_cast<std::int32_t>(bits));
  }
};

extern "C" FakeAxcl* fake_axcl();
