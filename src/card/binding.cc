#include <fmt/format.h>

#include "base/log.h"
#include "card/binding_impl.h"
#include "card/transfer.h"

namespace axle::card {

Binding::Impl::Impl(std::shared_ptr<detail::EngineCore> core, std::size_t group,
                    const BindingOptions& options, abi::Handle io)
    : core_(std::move(core)), group_(group), options_(options), io_(io) {
  inputs_.resize(info().inputs.size());
  outputs_.resize(info().outputs.size());
}

Binding::Impl::~Impl() {
  detail::Session& session = *core_->session;
  if (!session.alive()) return;  // The library has dropped it with the card.
  const Status status =
      session.call(Action::kUse, "axclrtEngineDestroyIO", session.functions().destroy_io, io_);
  if (!status.ok()) AXLE_LOG_WARN("card", "releasing a binding: {}", status.to_string());
}

std::string Binding::Impl::name() const {
  return fmt::format("{}, group {}", core_->path.filename().string(), group_);
}

// Exactly the tensor's bytes of `memory`: the card has been seen to mishandle larger sizes.
Result<DeviceSpan> Binding::Impl::fit(const std::vector<TensorInfo>& tensors, std::size_t index,
                                      DeviceSpan memory) const {
  if (core_->model_id == 0) return core_->usable();
  if (index >= tensors.size()) {
    return invalid_argument(fmt::format("{} has {} tensors on this side; number {} was wanted",
                                        name(), tensors.size(), index));
  }
  const TensorInfo& tensor = tensors[index];
  if (memory.address == 0 || memory.size_bytes < tensor.size_bytes) {
    return invalid_argument(fmt::format("{}: tensor {} needs {} bytes, got {}{}", name(),
                                        tensor.name, tensor.size_bytes, memory.size_bytes,
                                        memory.address == 0 ? " without memory" : ""));
  }
  return memory.slice(0, tensor.size_bytes);
}

Status Binding::Impl::bind_input(std::size_t index, DeviceSpan memory) {
  AXLE_TRY_ASSIGN(const DeviceSpan exact, fit(info().inputs, index, memory));
  if (inputs_[index] == exact) return {};
  detail::Session& session = *core_->session;
  AXLE_TRY(session.call(Action::kUse, "axclrtEngineSetInputBufferByIndex",
                        session.functions().set_input_buffer, io_,
                        static_cast<std::uint32_t>(index), detail::as_pointer(exact.address),
                        std::uint64_t{exact.size_bytes}));
  inputs_[index] = exact;
  checked_ = false;
  return {};
}

Status Binding::Impl::bind_output(std::size_t index, DeviceSpan memory) {
  AXLE_TRY_ASSIGN(const DeviceSpan exact, fit(info().outputs, index, memory));
  if (outputs_[index] == exact) return {};
  detail::Session& session = *core_->session;
  AXLE_TRY(session.call(Action::kUse, "axclrtEngineSetOutputBufferByIndex",
                        session.functions().set_output_buffer, io_,
                        static_cast<std::uint32_t>(index), detail::as_pointer(exact.address),
                        std::uint64_t{exact.size_bytes}));
  outputs_[index] = exact;
  checked_ = false;
  return {};
}

Status Binding::Impl::check() {
  AXLE_TRY(core_->usable());
  AXLE_TRY(check_all_bound());
  AXLE_TRY(check_overlap());
  checked_ = true;
  return {};
}

Status Binding::Impl::check_all_bound() const {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].address != 0) continue;
    return invalid_argument(
        fmt::format("{}: input {} has no memory", name(), info().inputs[i].name));
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (outputs_[i].address != 0) continue;
    return invalid_argument(
        fmt::format("{}: output {} has no memory", name(), info().outputs[i].name));
  }
  return {};
}

bool Binding::Impl::may_write(const DeviceSpan& output, const DeviceSpan& input) const {
  if (!output.overlaps(input)) return true;
  return options_.allow_in_place && input.contains(output) && output.size_bytes < input.size_bytes;
}

Status Binding::Impl::check_overlap() const {
  for (std::size_t o = 0; o < outputs_.size(); ++o) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (may_write(outputs_[o], inputs_[i])) continue;
      return invalid_argument(
          fmt::format("{}: output {} would be written over input {}; give it memory of its own",
                      name(), info().outputs[o].name, info().inputs[i].name));
    }
    for (std::size_t other = 0; other < o; ++other) {
      if (!outputs_[o].overlaps(outputs_[other])) continue;
      return invalid_argument(fmt::format("{}: outputs {} and {} share memory", name(),
                                          info().outputs[o].name, info().outputs[other].name));
    }
  }
  return {};
}

Binding::Binding(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Binding::Binding(Binding&&) noexcept = default;
Binding& Binding::operator=(Binding&&) noexcept = default;
Binding::~Binding() = default;

Status Binding::bind_input(std::size_t index, DeviceSpan memory) {
  return impl_->bind_input(index, memory);
}
Status Binding::bind_output(std::size_t index, DeviceSpan memory) {
  return impl_->bind_output(index, memory);
}
Status Binding::check() { return impl_->check(); }
std::size_t Binding::group() const { return impl_->group_number(); }
DeviceSpan Binding::input(std::size_t index) const { return impl_->inputs().at(index); }
DeviceSpan Binding::output(std::size_t index) const { return impl_->outputs().at(index); }

}  // namespace axle::card
