#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "card/device_buffer.h"

namespace axle::card {

namespace detail {
struct EngineCore;
}
class Card;
class Stream;

// Element types. The numbers are those of the AXCL runtime (axcl_rt_engine_type.h), not of ONNX.
enum class DataType : std::uint8_t {
  kNone,
  kInt4,
  kUint4,
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat4,
  kFloat8,
  kFloat16,
  kBf16,
  kFloat32,
  kFloat64,
};
// "bf16", "u32", ...; "unknown" for other numbers.
std::string_view data_type_name(DataType type);

// One tensor of one shape group.
struct TensorInfo {
  std::string name;
  DataType dtype = DataType::kNone;
  std::vector<std::int32_t> dims;  // Outermost first.
  std::size_t size_bytes = 0;
};

// One shape group: the same tensors as in every group, in shapes of its own.
struct GroupInfo {
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;

  // The index of a tensor by name. Some containers name the tensors of group g "<name>_<g>"; such a
  // name is found by its plain form as well (`index` is this group's number).
  std::optional<std::size_t> find_input(std::string_view name) const;
  std::optional<std::size_t> find_output(std::string_view name) const;

  std::size_t index = 0;
};

struct BindingOptions {
  // May an output lie inside a larger input (new K/V rows written straight into the K/V cache)?
  // Output ranges equal to an input's, or overlapping one in part, stay refused.
  bool allow_in_place = false;
};

// The memory that one group of one engine reads and writes: a range per tensor. Rebind at any time
// between runs; binding the same range again costs nothing.
//
// Threading: one thread at a time.
// Lifetime: may outlive its Engine, and is then of no use. The memory itself is not owned.
// Source: AXCL runtime V3.10.2, axcl_rt_engine.h (axclrtEngineIO).
class Binding {
 public:
  Binding(Binding&&) noexcept;
  Binding& operator=(Binding&&) noexcept;
  ~Binding();

  // Gives tensor `index` the first bytes of `memory` that it needs; `memory` may be larger.
  // Errors: kInvalidArgument  no such tensor, or `memory` too small. kUnavailable  engine unloaded.
  Status bind_input(std::size_t index, DeviceSpan memory);
  Status bind_output(std::size_t index, DeviceSpan memory);

  // Would run() accept it? Errors: kInvalidArgument  a tensor has no memory, an output overlaps
  // an input (see BindingOptions) or another output.
  Status check();

  std::size_t group() const;
  DeviceSpan input(std::size_t index) const;
  DeviceSpan output(std::size_t index) const;

 private:
  friend class Engine;
  struct Impl;
  explicit Binding(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;  // Null only after a move.
};

// One model file loaded on the card.
//
// Threading: one thread at a time per Engine.
// Lifetime: unloads when destroyed, unless the card is lost or closed. Do not destroy while a
// queued run of it may be unfinished.
// Source: AXCL runtime V3.10.2, axcl_rt_engine.h.
class Engine {
 public:
  // Loads a file and reads what its groups look like. Load engines converted from ONNX (vision,
  // diffusion) before layers of language models, and nothing while others run.
  //
  // Errors: kNotFound     no such file. kExhausted  no room on the card (with the numbers).
  //         kCorrupt      the card cannot read it (damaged, or from another tool version).
  //         kUnsupported  this card or library does not run such engines. kCardLost.
  static Result<Engine> load(Card& card, const std::filesystem::path& path);

  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  const std::filesystem::path& path() const;
  const std::vector<GroupInfo>& groups() const;  // At least one.
  const GroupInfo& group(std::size_t index) const { return groups().at(index); }
  // The converter's version, e.g. "4.2 7e6b2b5f"; empty when not told.
  const std::string& compiler_version() const;
  // Card memory that it takes; nothing where the library cannot tell.
  std::optional<std::uint64_t> memory_bytes() const;

  // A binding for `group` with nothing bound.
  // Errors: kInvalidArgument  no such group. kUnavailable  engine unloaded. kCardLost.
  Result<Binding> make_binding(std::size_t group, const BindingOptions& options = {});

  // Runs the binding's group and waits for the end. The binding must be of this engine.
  // Errors: kInvalidArgument  as Binding::check(), or a binding of another engine.
  //         kUnavailable      the card's engine failed (vendor code), or was unloaded. kCardLost.
  Status run(Binding& binding);

  // Queues a run behind the stream's earlier work; returns when the card has taken it. The binding
  // may be changed after that. Errors: as run(); kUnsupported.
  Status run_async(Binding& binding, Stream& stream);

  // Unloads now. Errors: what the library says; the engine is gone in any case.
  Status unload();

 private:
  explicit Engine(std::shared_ptr<detail::EngineCore> core);
  std::shared_ptr<detail::EngineCore> core_;  // Shared with bindings, which must see the unloading.
};

}  // namespace axle::card
