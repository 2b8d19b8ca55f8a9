#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "axmodel/model.h"
#include "base/result.h"

// What the shape groups of a layer engine or a head say about the model. The same derivation serves
// the files of a package and the tensors that a card reports for a loaded engine.
namespace axle::package {

// One shape group of a transformer layer engine: `rows` rows go in, and see `history` cells of
// K/V memory and each other.
struct Group {
  std::size_t index = 0;       // Number of the group in the file and on the card.
  std::size_t rows = 0;        // n: rows of `input`, elements of `indices`. 1: a decode group.
  std::size_t history = 0;     // P (T for decode): columns of `mask` minus rows.
  std::size_t cache_rows = 0;  // Rows of K_cache and V_cache; at least `history`, never 0 (a group
                               // without history has one dummy row that the mask does not cover).
  bool decode() const { return rows == 1; }
  friend bool operator==(const Group&, const Group&) = default;
};

// The shape of one layer engine.
struct LayerShape {
  std::size_t hidden = 0;               // H
  std::size_t kv_width = 0;             // kv = K/V heads x head size
  std::size_t position_rows = 1;        // 3 where prefill `indices` is [3, n] (mrope), else 1
  std::vector<Group> groups;            // In the order of the file.
  std::size_t cells() const;            // T: the longest history of a decode group.
  std::size_t cache_rows() const;       // Rows a K/V buffer needs to back every group.
  std::size_t max_prefill_end() const;  // Longest history + rows of a prefill group; 0: none.
  friend bool operator==(const LayerShape&, const LayerShape&) = default;
};

// The shape of the head ("post" engine).
struct HeadShape {
  std::size_t hidden = 0;      // H
  std::size_t vocab_size = 0;  // V, columns of `output`
  std::size_t rows = 1;        // Rows of the widest group.
  friend bool operator==(const HeadShape&, const HeadShape&) = default;
};

// Derives the shape from all groups of a layer engine and checks that they agree. Per group g:
// inputs K_cache, V_cache [1, cache_rows, kv] bf16, indices [1, n] (or [3, n]) u32, input [1, n, H]
// bf16, mask [1, n, history + n] bf16; outputs K_cache_out, V_cache_out [1, n, kv] bf16, output
// [1, n, H] bf16. Tensors are found by name; the suffix "_<g>" is accepted. `what` names the engine
// in messages.
//
// Errors: kCorrupt      a tensor is missing, has a wrong shape or type (tensor, wanted, found).
//         kUnsupported  no decode group.
// Source: ax-llm (AXERA-TECH), the tensors that its runners look up; Pulsar2 llm_build.
Result<LayerShape> derive_layer_shape(std::span<const axmodel::Group> groups,
                                      std::string_view what);

// Derives the shape of a head: `input` [1, n, H] bf16 -> `output` [1, n, V] bf16.
//
// Errors: kCorrupt      as above.
//         kUnsupported  a head that returns `indices` and `prob` instead of logits.
Result<HeadShape> derive_head_shape(std::span<const axmodel::Group> groups, std::string_view what);

}  // namespace axle::package
