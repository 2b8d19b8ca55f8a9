#include "api/automatic1111/delivery.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace axle::api::automatic1111 {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool is_file(pictures::Form form) {
  return pictures::media_type(form) != "application/octet-stream";
}

// The size that is asked for by name; one side alone keeps the proportions.
std::optional<image::Size> asked_size(const OutputRequest& asked, const pictures::Order& order) {
  if (asked.width && asked.height) return image::Size{*asked.width, *asked.height};
  const auto other = [](std::int32_t side, std::int32_t of, std::int32_t to) {
    return std::clamp(static_cast<int>(std::lround(static_cast<double>(side) * to / of)), 1,
                      pictures::kMaxOutputSide);
  };
  if (asked.width) return image::Size{*asked.width, other(*asked.width, order.width, order.height)};
  if (asked.height)
    return image::Size{other(*asked.height, order.height, order.width), *asked.height};
  return std::nullopt;
}

// What a display asks to be painted is its own size, unless it is too large for one.
image::Size display_size(const Request& request, const DeliveryDefaults& defaults) {
  const bool is_display = request.width && request.height && *request.width <= kMaxDisplaySide &&
                          *request.height <= kMaxDisplaySide;
  return is_display ? image::Size{*request.width, *request.height} : defaults.display;
}

}  // namespace

std::optional<DirectAnswer> direct_answer(std::string_view accept) {
  while (!accept.empty()) {
    const std::size_t comma = std::min(accept.find(','), accept.size());
    const std::string_view entry = accept.substr(0, comma);
    const std::string_view type = trimmed(entry.substr(0, entry.find(';')));
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    if (type == "application/json" || type == "*/*" || type == "application/*") return {};
    if (type == "application/octet-stream") return DirectAnswer{pictures::Form::kRgb565BigEndian};
    if (type == "image/*") return DirectAnswer{};
    const std::optional<pictures::Form> form = pictures::form_named(type);
    if (type.starts_with("image/") && form) return DirectAnswer{form};
  }
  return {};
}

Delivery delivery_of(const Request& request, const PaintPlan& plan, std::string_view accept,
                     const DeliveryDefaults& defaults) {
  const std::optional<DirectAnswer> direct = direct_answer(accept);
  Delivery delivery{direct.has_value(), request.output.look};
  std::optional<pictures::Form> form = request.output.form;
  if (!form && direct) form = direct->form;
  if (!form) form = pictures::form_named(request.samples_format);
  delivery.output.form = form.value_or(defaults.form);
  delivery.output.size = asked_size(request.output, plan.order);
  if (direct && !delivery.output.size && !is_file(delivery.output.form)) {
    delivery.output.size = display_size(request, defaults);
  }
  return delivery;
}

}  // namespace axle::api::automatic1111
