#include "api/sdcpp/request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <utility>

namespace axle::api::sdcpp {
namespace {

namespace json = boost::json;

// What a field is called and where it stands.
struct Field {
  const json::object& object;
  std::string_view name;
  const json::value* value() const {
    const json::value* found = object.if_contains({name.data(), name.size()});
    return found == nullptr || found->is_null() ? nullptr : found;
  }
};

Status wrong(const Field& field, std::string_view wanted) {
  std::string found = json::serialize(*field.value());
  if (found.size() > 60) found = found.substr(0, 60) + "...";
  return invalid_argument(fmt::format("'{}': wanted {}, found {}", field.name, wanted, found));
}

Status read(const Field& field, std::string& text) {
  const json::value* value = field.value();
  if (value == nullptr) return {};
  if (!value->is_string()) return wrong(field, "a text");
  text = std::string(value->get_string());
  return {};
}

Status read(const Field& field, bool& flag) {
  const json::value* value = field.value();
  if (value == nullptr) return {};
  if (!value->is_bool()) return wrong(field, "true or false");
  flag = value->get_bool();
  return {};
}

Status read(const Field& field, double least, double most, std::optional<double>& number) {
  const json::value* value = field.value();
  if (value == nullptr) return {};
  const double found = value->is_number() ? value->to_number<double>() : std::nan("");
  if (!(found >= least && found <= most))
    return wrong(field, fmt::format("a number from {} to {}", least, most));
  number = found;
  return {};
}

template <typename Integer>
Status read(const Field& field, std::int64_t least, std::int64_t most, Integer& number) {
  const json::value* value = field.value();
  if (value == nullptr) return {};
  json::error_code error;
  const auto found = value->is_number() ? value->to_number<std::int64_t>(error) : least;
  if (!value->is_number() || error || found < least || found > most)
    return wrong(field, fmt::format("a whole number from {} to {}", least, most));
  if constexpr (std::is_same_v<Integer, std::optional<std::int32_t>>) {
    number = static_cast<std::int32_t>(found);
  } else {
    number = static_cast<Integer>(found);
  }
  return {};
}

Status read_picture(const Field& field, const pictures::SourceRules& rules, std::string& file) {
  std::string text;
  AXLE_TRY(read(field, text));
  if (text.empty()) return {};
  Result<std::string> found = pictures::source_file(text, rules);
  if (!found.ok()) return found.status().with_context(fmt::format("'{}'", field.name));
  file = *std::move(found);
  return {};
}

// An object within `object`; an empty one where it is missing.
Result<json::object> inner(const Field& field) {
  const json::value* value = field.value();
  if (value == nullptr) return json::object{};
  if (!value->is_object()) return wrong(field, "an object");
  return value->get_object();
}

Status read_sampling(const json::object& object, Request& request) {
  AXLE_TRY_ASSIGN(const json::object sampling, inner({object, "sample_params"}));
  AXLE_TRY(read({sampling, "sample_steps"}, 1, 1000, request.steps));
  AXLE_TRY_ASSIGN(const json::object guidance, inner({sampling, "guidance"}));
  return read({guidance, "txt_cfg"}, 0.0, 100.0, request.guidance);
}

Status read_output(const json::object& object, Request& request) {
  std::string format = "png";
  AXLE_TRY(read({object, "output_format"}, format));
  const auto form = pictures::form_named(format);
  if (!form) return wrong({object, "output_format"}, "one of " + pictures::form_names());
  request.output.form = *form;
  std::int32_t quality = request.output.quality;
  AXLE_TRY(read({object, "output_compression"}, 0, 100, quality));
  request.output.quality = std::max(quality, 1);
  return read({object, "embed_image_metadata"}, request.text);
}

Status read_all(const json::object& object, const pictures::SourceRules& rules, Request& request) {
  constexpr std::int32_t kMaxSide = 65536;
  AXLE_TRY(read({object, "model"}, request.model));
  AXLE_TRY(read({object, "prompt"}, request.prompt));
  AXLE_TRY(read({object, "negative_prompt"}, request.negative_prompt));
  AXLE_TRY(read({object, "width"}, 1, kMaxSide, request.width));
  AXLE_TRY(read({object, "height"}, 1, kMaxSide, request.height));
  std::optional<double> strength;
  AXLE_TRY(read({object, "strength"}, 0.0, 1.0, strength));
  request.strength = strength.value_or(request.strength);
  AXLE_TRY(read({object, "seed"}, -1, std::int64_t{1} << 53, request.seed));
  AXLE_TRY(read({object, "batch_count"}, 1, kMaxCount, request.count));
  AXLE_TRY(read({object, "priority"}, -100, 100, request.priority));
  AXLE_TRY(read({object, "replace_key"}, request.replace_key));
  AXLE_TRY(read_picture({object, "init_image"}, rules, request.image));
  AXLE_TRY(read_picture({object, "mask_image"}, rules, request.mask));
  AXLE_TRY(read_sampling(object, request));
  return read_output(object, request);
}

void choose_size(const Request& request, const pictures::ServedPictures& model,
                 pictures::Start start, Plan& plan) {
  const package::PictureVariant& usual = model.package.variants.front();
  const image::Size wanted{request.width.value_or(static_cast<std::int32_t>(usual.width)),
                           request.height.value_or(static_cast<std::int32_t>(usual.height))};
  const package::PictureVariant& size = model.nearest_size(wanted, start);
  plan.order.width = static_cast<std::int32_t>(size.width);
  plan.order.height = static_cast<std::int32_t>(size.height);
  if (plan.order.width != wanted.width || plan.order.height != wanted.height) {
    plan.notes.push_back(fmt::format("size: {}x{} asked, {}x{} done", wanted.width, wanted.height,
                                     plan.order.width, plan.order.height));
  }
}

void choose_steps(const Request& request, const pictures::ServedPictures& model, Plan& plan) {
  const std::int32_t wanted = request.steps.value_or(pictures::kUsualSteps);
  plan.order.steps = model.nearest_steps(wanted);
  if (request.steps && plan.order.steps != wanted) {
    plan.notes.push_back(fmt::format("sample_steps: {} asked, {} done: the model has {}", wanted,
                                     plan.order.steps, fmt::join(model.step_counts, ", ")));
  }
}

void choose_guidance(const Request& request, Plan& plan) {
  const double wanted = request.guidance.value_or(1.0);
  if (request.negative_prompt.empty()) return;  // There is nothing to lead away from.
  plan.order.guidance = std::clamp(wanted, 1.0, pictures::kMostGuidance);
  if (plan.order.guidance != wanted) {
    plan.notes.push_back(fmt::format("txt_cfg: {} asked, {} done: the model takes 1 to {}", wanted,
                                     plan.order.guidance, pictures::kMostGuidance));
  }
}

Status take_pictures(const Request& request, const pictures::SourceRules& rules, Plan& plan) {
  pictures::Order& order = plan.order;
  const image::Size size{order.width, order.height};
  AXLE_TRY_ASSIGN(const image::Picture image, pictures::source_picture(request.image, rules));
  AXLE_TRY_ASSIGN(order.image, pictures::fit_source(image, size, pictures::SourceFit::kCrop));
  order.strength = pictures::nearest_strength(order.steps, request.strength);
  if (std::abs(order.strength - request.strength) > 1e-6) {
    plan.notes.push_back(
        fmt::format("strength: {} asked, {} done: only whole steps can be left out",
                    request.strength, order.strength));
  }
  if (request.mask.empty()) return {};
  AXLE_TRY_ASSIGN(const image::Picture mask, pictures::source_picture(request.mask, rules));
  pictures::MaskRules mask_rules;
  mask_rules.fit = pictures::SourceFit::kCrop;
  AXLE_TRY_ASSIGN(order.mask, pictures::fit_mask(mask, size, mask_rules));
  AXLE_TRY_ASSIGN(order.keep, pictures::kept_part(*order.image, *order.mask));
  return {};
}

}  // namespace

Result<Request> parse_request(std::string_view body, const pictures::SourceRules& rules) {
  json::error_code error;
  const json::value value = json::parse({body.data(), body.size()}, error);
  if (error || !value.is_object()) {
    return invalid_argument(fmt::format("the body: wanted a JSON object, found {}",
                                        error ? error.message() : "another value"));
  }
  Request request;
  AXLE_TRY(read_all(value.get_object(), rules, request));
  if (!request.mask.empty() && request.image.empty())
    return invalid_argument("'mask_image': wanted only together with 'init_image', found alone");
  return request;
}

Result<Plan> make_plan(const Request& request, const pictures::ServedPictures& model,
                       const pictures::SourceRules& rules, std::uint64_t any_seed) {
  const pictures::Start start =
      request.image.empty() ? pictures::Start::kNoise : pictures::Start::kPicture;
  if (!model.begins_with(start)) {
    return unsupported(fmt::format(
        "'init_image': {} cannot begin with a picture; leave it out or ask another model",
        model.name));
  }
  Plan plan;
  plan.order.prompt = request.prompt;
  plan.order.negative_prompt = request.negative_prompt;
  plan.order.count = request.count;
  plan.order.seed = request.seed < 0 ? any_seed : static_cast<std::uint64_t>(request.seed);
  plan.order.priority = request.priority;
  choose_size(request, model, start, plan);
  choose_steps(request, model, plan);
  choose_guidance(request, plan);
  if (!request.image.empty()) AXLE_TRY(take_pictures(request, rules, plan));
  return plan;
}

}  // namespace axle::api::sdcpp
