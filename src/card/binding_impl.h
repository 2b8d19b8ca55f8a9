#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "card/engine.h"
#include "card/engine_core.h"

namespace axle::card {

// Private to the room: an axclrtEngineIO and what is bound to it.
struct Binding::Impl {
 public:
  Impl(std::shared_ptr<detail::EngineCore> core, std::size_t group, const BindingOptions& options,
       abi::Handle io);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status bind_input(std::size_t index, DeviceSpan memory);
  Status bind_output(std::size_t index, DeviceSpan memory);

  // Has check() succeeded since the last change?
  bool checked() const { return checked_; }
  Status check();

  const detail::EngineCore* core() const { return core_.get(); }
  abi::Handle io() const { return io_; }
  std::uint32_t group_number() const { return static_cast<std::uint32_t>(group_); }
  const GroupInfo& info() const { return core_->groups[group_]; }
  const std::vector<DeviceSpan>& inputs() const { return inputs_; }
  const std::vector<DeviceSpan>& outputs() const { return outputs_; }
  std::string name() const;  // "layer_3.axmodel, group 1"

 private:
  Result<DeviceSpan> fit(const std::vector<TensorInfo>& tensors, std::size_t index,
                         DeviceSpan memory) const;
  Status check_all_bound() const;
  Status check_overlap() const;
  bool may_write(const DeviceSpan& output, const DeviceSpan& input) const;

  const std::shared_ptr<detail::EngineCore> core_;  // Shared: says whether it was unloaded.
  const std::size_t group_;
  const BindingOptions options_;
  const abi::Handle io_;  // Owned.
  std::vector<DeviceSpan> inputs_;
  std::vector<DeviceSpan> outputs_;
  bool checked_ = false;
};

}  // namespace axle::card
