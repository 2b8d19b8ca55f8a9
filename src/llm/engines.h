#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "card/device_buffer.h"
#include "card/engine.h"
#include "package/package.h"

namespace axle::card {
class Card;
}

namespace axle::llm {

// Called after each loaded file; `done` of `total` files are on the card.
using LoadCallback = std::function<void(std::size_t done, std::size_t total)>;

// A group of the head: so many rows [rows, H] in one run.
struct HeadGroup {
  std::size_t rows = 0;
  std::size_t index = 0;  // Of the engine's groups.
};

// The engines of a package on a card: one per layer, and the head.
struct Engines {
  std::vector<card::Engine> layers;
  card::Engine post;
  std::vector<HeadGroup> head_groups;  // Rising rows; the first has one.
};

// Loads all engines of `package` and checks that the card sees the tensors that the package told.
// On failure everything loaded so far is unloaded.
//
// Errors: as card::Engine::load; kCorrupt  a loaded engine differs from its package (tensor, wanted
//         and found bytes); kUnsupported  a package without weights that the card refuses.
Result<Engines> load_engines(card::Card& card, const package::Package& package,
                             const LoadCallback& progress);

// The card memory that one group of one layer engine works on.
struct LayerMemory {
  card::DeviceSpan k_cache;      // [cache_rows, kv] bf16
  card::DeviceSpan v_cache;      // [cache_rows, kv] bf16
  card::DeviceSpan indices;      // [n] u32
  card::DeviceSpan input;        // [n, H] bf16
  card::DeviceSpan mask;         // [n, P + n] bf16
  card::DeviceSpan k_cache_out;  // [n, kv] bf16
  card::DeviceSpan v_cache_out;  // [n, kv] bf16
  card::DeviceSpan output;       // [n, H] bf16
};

// A binding of all tensors of `group`; the first bytes of each span are used.
// Errors: kCorrupt  the group lacks a tensor of these names; as Binding::bind_input.
Result<card::Binding> bind_layer(card::Engine& engine, std::size_t group, const LayerMemory& memory,
                                 const card::BindingOptions& options = {});

// A group of the head: `input` [rows, H] bf16 -> `output` [rows, V] bf16; the first bytes of each
// span are used.
// Errors: as bind_layer().
Result<card::Binding> bind_post(Engines& engines, const HeadGroup& group, card::DeviceSpan input,
                                card::DeviceSpan output);

// Card memory of all engines; files count with their size where the library cannot tell.
std::uint64_t memory_bytes(const Engines& engines);

}  // namespace axle::llm
