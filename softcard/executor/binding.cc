#include "softcard/executor/binding.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace axle::softcard {
namespace {

Status check_pointers(std::string_view side, std::size_t wanted,
                      std::span<std::byte* const> pointers) {
  if (pointers.size() != wanted) {
    return invalid_argument(
        fmt::format("the group has {} {}, {} were given", wanted, side, pointers.size()));
  }
  if (std::ranges::find(pointers, nullptr) != pointers.end()) {
    return invalid_argument(fmt::format("one of the {} is not bound", side));
  }
  return {};
}

}  // namespace

Status check_binding(const axmodel::Model& model, std::size_t group,
                     std::span<std::byte* const> inputs, std::span<std::byte* const> outputs) {
  if (group >= model.groups.size()) {
    return invalid_argument(
        fmt::format("group {} does not exist, the engine has {}", group, model.groups.size()));
  }
  AXLE_TRY(check_pointers("inputs", model.groups[group].inputs.size(), inputs));
  return check_pointers("outputs", model.groups[group].outputs.size(), outputs);
}

}  // namespace axle::softcard
