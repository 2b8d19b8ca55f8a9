#include "api/openai/model_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "http/message.h"
#include "pictures/order.h"

namespace axle::api {
namespace {

// The fields of a chat request that the model's makers advise.
std::string sampling_json(const package::SamplingAdvice& advice) {
  std::vector<std::string> fields;
  if (advice.temperature) fields.push_back(fmt::format(R"("temperature":{})", *advice.temperature));
  if (advice.top_p) fields.push_back(fmt::format(R"("top_p":{})", *advice.top_p));
  if (advice.top_k) fields.push_back(fmt::format(R"("top_k":{})", *advice.top_k));
  return fmt::format("{{{}}}", fmt::join(fields, ","));
}

std::string chat_model_json(const ServedModel& model) {
  return fmt::format(R"({{"id":{},"object":"model","created":{},"owned_by":"axle","kind":"chat",)"
                     R"("max_model_len":{},"sampling":{}}})",
                     http::json_quote(model.name), model.created, model.context_tokens,
                     sampling_json(model.package.sampling()));
}

std::string picture_model_json(const pictures::ServedPictures& model) {
  std::string sizes;
  for (const auto& variant : model.package.variants) {
    sizes += fmt::format("{}{}", sizes.empty() ? "" : ",", http::json_quote(variant.id));
  }
  return fmt::format(
      R"({{"id":{},"object":"model","created":{},"owned_by":"axle","kind":"picture",)"
      R"("sizes":[{}],"steps":[{}],"default_steps":{},"guidance_max":{},"edits":{}}})",
      http::json_quote(model.name), modified_at(model.package.variants.front().unet), sizes,
      fmt::join(model.step_counts, ","), model.nearest_steps(pictures::kUsualSteps),
      pictures::kMostGuidance, model.begins_with(pictures::Start::kPicture));
}

}  // namespace

ModelList::ModelList(const ModelRegistry& chat,
                     const std::vector<std::shared_ptr<const pictures::ServedPictures>>& pictures) {
  for (const auto& model : chat.all())
    entries_.push_back({model->name, chat_model_json(*model), false});
  for (const auto& model : pictures)
    entries_.push_back({model->name, picture_model_json(*model), true});
}

std::string ModelList::json() const {
  std::string list;
  for (const Entry& entry : entries_) {
    if (!list.empty()) list += ',';
    list += entry.json;
  }
  return fmt::format(R"({{"object":"list","data":[{}]}})", list);
}

const ModelList::Entry* ModelList::entry(std::string_view name) const {
  const auto found = std::ranges::find_if(entries_, [name](const Entry& entry) {
    return entry.name == name || entry.name + ":latest" == name;
  });
  return found == entries_.end() ? nullptr : &*found;
}

const std::string* ModelList::find(std::string_view name) const {
  const Entry* found = entry(name);
  return found == nullptr ? nullptr : &found->json;
}

bool ModelList::paints(std::string_view name) const {
  const Entry* found = entry(name);
  return found != nullptr && found->paints;
}

std::string ModelList::known_names() const {
  std::string names;
  for (const Entry& entry : entries_)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", entry.name);
  return names;
}

}  // namespace axle::api
