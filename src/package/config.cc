#include "package/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <limits>

namespace axle::package {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxLayers = 1024;
constexpr std::size_t kMaxVocab = std::size_t{1} << 24;
constexpr std::size_t kMaxHidden = std::size_t{1} << 20;

// Errors: kCorrupt  not JSON (with its line), or not an object.
Result<json::object> parse_object(std::string_view text) {
  json::error_code error;
  json::stream_parser parser;
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error && read < text.size()) {
    const std::string_view rest = text.substr(read);
    if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos) {
      error = json::error::extra_data;
    }
  }
  if (!error) parser.finish(error);
  if (error) {
    const auto begin = text.begin();
    const auto lines =
        std::count(begin, begin + static_cast<std::ptrdiff_t>(std::min(read, text.size())), '\n');
    return corrupt(fmt::format("not JSON: {} in line {}", error.message(), lines + 1));
  }
  json::value value = parser.release();
  if (!value.is_object()) return corrupt("it holds no JSON object");
  return std::move(value.as_object());
}

std::string kind_name(const json::value& value) {
  const json::string_view name = json::to_string(value.kind());
  return std::string(name.data(), name.size());
}

Status wrong_kind(std::string_view key, std::string_view wanted, const json::value& found) {
  return corrupt(fmt::format("\"{}\" is a {}, wanted {}", key, kind_name(found), wanted));
}

const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<std::optional<std::string>> text_member(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return wrong_kind(key, "a string", *value);
  return std::optional<std::string>(
      std::string(value->as_string().c_str(), value->as_string().size()));
}

Result<std::optional<bool>> bool_member(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_bool()) return wrong_kind(key, "true or false", *value);
  return std::optional<bool>(value->as_bool());
}

std::optional<std::int64_t> as_integer(const json::value& value) {
  if (value.is_int64()) return value.as_int64();
  return std::nullopt;  // Unsigned kinds begin above the range of int64.
}

Result<std::string> required_text(const json::object& object, std::string_view key) {
  AXLE_TRY_ASSIGN(const std::optional<std::string> text, text_member(object, key));
  if (!text || text->empty()) return corrupt(fmt::format("\"{}\" is missing", key));
  return *text;
}

Result<std::size_t> required_count(const json::object& object, std::string_view key,
                                   std::size_t limit) {
  const json::value* value = member(object, key);
  if (value == nullptr) return corrupt(fmt::format("\"{}\" is missing", key));
  const std::optional<std::int64_t> number = as_integer(*value);
  if (!number) return wrong_kind(key, "a whole number", *value);
  if (*number < 1 || static_cast<std::uint64_t>(*number) > limit) {
    return corrupt(fmt::format("\"{}\" is {}, wanted 1 to {}", key, *number, limit));
  }
  return static_cast<std::size_t>(*number);
}

// A file name below the folder.
Result<std::string> required_path(const json::object& object, std::string_view key) {
  AXLE_TRY_ASSIGN(std::string text, required_text(object, key));
  const std::filesystem::path path(text);
  const bool climbs = std::find(path.begin(), path.end(), "..") != path.end();
  if (path.is_absolute() || climbs || text.find('\0') != std::string::npos) {
    return corrupt(fmt::format("\"{}\" is '{}', which leads out of the package folder", key, text));
  }
  return text;
}

Status check_template(std::string_view text) {
  const std::size_t at = text.find('%');
  if (at == std::string_view::npos || text.substr(at, 2) != "%d" ||
      text.find('%', at + 1) != std::string_view::npos) {
    return corrupt(
        fmt::format("\"template_filename_axmodel\" is '{}', wanted a file name with one %d", text));
  }
  return {};
}

constexpr std::array<std::string_view, 6> kRequired = {
    "template_filename_axmodel", "axmodel_num",      "filename_post_axmodel",
    "filename_tokens_embed",     "tokens_embed_num", "tokens_embed_size"};

std::int64_t number_or_zero(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  return value == nullptr ? 0 : as_integer(*value).value_or(0);
}

// Errors: kUnsupported  a package for another task than text.
Status check_task(const json::object& object) {
  for (const std::string_view key : {"model_type", "task_type"}) {
    AXLE_TRY_ASSIGN(const std::optional<std::string> kind, text_member(object, key));
    if (kind && (*kind == "image_generation" || *kind == "embedding_gemma2")) {
      return unsupported(fmt::format("\"{}\" is '{}', which is not a language model", key, *kind));
    }
  }
  return {};
}

// Errors: kUnsupported  a kind of model that needs more than full attention over K/V cells.
Status check_attention(const json::object& object) {
  for (const std::string_view key :
       {"full_attention_interval", "sliding_window", "num_kv_shared_layers"}) {
    if (const std::int64_t value = number_or_zero(object, key); value != 0) {
      return unsupported(
          fmt::format("\"{}\" is {}: axle runs models with full attention in every "
                      "layer only",
                      key, value));
    }
  }
  const json::value* layers = member(object, "layer_types");
  if (layers == nullptr || !layers->is_array()) return {};
  for (const json::value& layer : layers->as_array()) {
    if (layer.is_string() && layer.as_string() != "full_attention") {
      return unsupported(fmt::format("\"layer_types\" has '{}': axle runs full attention only",
                                     layer.as_string().c_str()));
    }
  }
  return {};
}

// A token name: a string, or an object with "content".
Result<std::string> token_name(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return std::string();
  if (value->is_object()) {
    AXLE_TRY_ASSIGN(const std::optional<std::string> text,
                    text_member(value->as_object(), "content"));
    return text.value_or("");
  }
  if (!value->is_string()) return wrong_kind(key, "a string", *value);
  return std::string(value->as_string().c_str(), value->as_string().size());
}

// "chat_template": a text, or a list of named ones of which "default" (else the first) counts.
Result<std::optional<std::string>> template_of(const json::object& object) {
  const json::value* value = member(object, "chat_template");
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_array()) return text_member(object, "chat_template");
  std::optional<std::string> chosen;
  for (const json::value& item : value->as_array()) {
    if (!item.is_object()) return wrong_kind("chat_template", "a list of objects", item);
    AXLE_TRY_ASSIGN(const std::optional<std::string> name, text_member(item.as_object(), "name"));
    AXLE_TRY_ASSIGN(const std::optional<std::string> text,
                    text_member(item.as_object(), "template"));
    if (text && (!chosen || name == "default")) chosen = text;
  }
  return chosen;
}

Result<std::int32_t> token_id(const json::value& value) {
  const std::optional<std::int64_t> number = as_integer(value);
  if (!number || *number < 0 || *number > std::numeric_limits<std::int32_t>::max()) {
    return corrupt(fmt::format("\"eos_token_id\" holds {}, wanted token ids",
                               json::serialize(value).substr(0, 60)));
  }
  return static_cast<std::int32_t>(*number);
}

json::array id_array(const std::vector<std::int32_t>& ids) {
  json::array array;
  for (const std::int32_t id : ids) array.emplace_back(id);
  return array;
}

// One key a line: the files are read by people too.
std::string pretty(const json::object& object) {
  std::string text = "{";
  for (const auto& [key, value] : object) {
    text += fmt::format("{}\n  {}: {}", text.size() > 1 ? "," : "",
                        json::serialize(json::string(key)), json::serialize(value));
  }
  return text + "\n}\n";
}

void merge_sampling(const json::object& object, SamplingAdvice& advice) {
  const auto number = [&object](std::string_view key) {
    const json::value* value = member(object, key);
    return value != nullptr && value->is_number() ? value->to_number<double>() : -1.0;
  };
  const double temperature = number("temperature");
  if (!advice.temperature && temperature >= 0 && temperature <= 2) advice.temperature = temperature;
  const double top_p = number("top_p");
  if (!advice.top_p && top_p > 0 && top_p <= 1) advice.top_p = top_p;
  const double top_k = number("top_k");
  if (!advice.top_k && top_k >= 1 && top_k <= std::numeric_limits<std::int32_t>::max())
    advice.top_k = static_cast<std::int32_t>(top_k);
}

}  // namespace

Result<std::optional<VendorConfig>> parse_vendor_config(std::string_view text) {
  AXLE_TRY_ASSIGN(const json::object object, parse_object(text));
  const bool vendor = std::any_of(kRequired.begin(), kRequired.end(), [&](std::string_view key) {
    return member(object, key) != nullptr;
  });
  AXLE_TRY(check_task(object));
  if (!vendor) return std::optional<VendorConfig>();
  AXLE_TRY(check_attention(object));

  VendorConfig config;
  AXLE_TRY_ASSIGN(config.layer_template, required_path(object, "template_filename_axmodel"));
  AXLE_TRY(check_template(config.layer_template));
  AXLE_TRY_ASSIGN(config.layer_count, required_count(object, "axmodel_num", kMaxLayers));
  AXLE_TRY_ASSIGN(config.post_file, required_path(object, "filename_post_axmodel"));
  AXLE_TRY_ASSIGN(config.embedding_file, required_path(object, "filename_tokens_embed"));
  AXLE_TRY_ASSIGN(config.vocab_size, required_count(object, "tokens_embed_num", kMaxVocab));
  AXLE_TRY_ASSIGN(config.hidden, required_count(object, "tokens_embed_size", kMaxHidden));
  if (member(object, "url_tokenizer_model") != nullptr) {
    AXLE_TRY_ASSIGN(config.tokenizer_file, required_path(object, "url_tokenizer_model"));
  }
  AXLE_TRY_ASSIGN(const std::optional<std::string> name, text_member(object, "model_name"));
  AXLE_TRY_ASSIGN(const std::optional<std::string> type, text_member(object, "tokenizer_type"));
  AXLE_TRY_ASSIGN(const std::optional<std::string> prompt, text_member(object, "system_prompt"));
  AXLE_TRY_ASSIGN(const std::optional<std::string> vision, text_member(object, "vlm_type"));
  config.model_name = name.value_or("");
  config.tokenizer_type = type.value_or("");
  config.system_prompt = prompt.value_or("");
  if (vision && !vision->empty()) {
    config.notes.push_back(
        fmt::format("vision model of type '{}': its text part is used", *vision));
  }
  return std::optional(std::move(config));
}

std::string layer_file_name(std::string_view layer_template, std::size_t index) {
  const std::size_t at = layer_template.find("%d");
  return fmt::format("{}{}{}", layer_template.substr(0, at), index, layer_template.substr(at + 2));
}

Status merge_tokenizer_config(std::string_view text, TextConfig& config) {
  AXLE_TRY_ASSIGN(const json::object object, parse_object(text));
  if (!config.chat_template) {
    AXLE_TRY_ASSIGN(config.chat_template, template_of(object));
  }
  AXLE_TRY_ASSIGN(const std::string bos, token_name(object, "bos_token"));
  AXLE_TRY_ASSIGN(const std::string eos, token_name(object, "eos_token"));
  if (config.bos_text.empty()) config.bos_text = bos;
  if (config.eos_text.empty()) config.eos_text = eos;
  if (!config.add_bos) {
    AXLE_TRY_ASSIGN(config.add_bos, bool_member(object, "add_bos_token"));
  }
  return {};
}

Status merge_generation_config(std::string_view text, TextConfig& config) {
  AXLE_TRY_ASSIGN(const json::object object, parse_object(text));
  merge_sampling(object, config.sampling);
  const json::value* value = member(object, "eos_token_id");
  if (value == nullptr || !config.end_tokens.empty()) return {};
  const json::array one = {*value};
  const json::array& ids = value->is_array() ? value->as_array() : one;
  for (const json::value& id : ids) {
    AXLE_TRY_ASSIGN(const std::int32_t token, token_id(id));
    config.end_tokens.push_back(token);
  }
  return {};
}

std::string to_json(const ImportRecord& record) {
  json::object files;
  for (const FileRecord& file : record.files) {
    files[file.name] = json::object{{"bytes", file.size_bytes}, {"sha256", file.sha256}};
  }
  return pretty({{"format", 1},
                 {"source_sha256", record.source_sha256},
                 {"source_bytes", record.source_bytes},
                 {"options", record.options},
                 {"files", files}});
}

Result<ImportRecord> parse_import_record(std::string_view text) {
  AXLE_TRY_ASSIGN(const json::object object, parse_object(text));
  ImportRecord record;
  AXLE_TRY_ASSIGN(record.source_sha256, required_text(object, "source_sha256"));
  AXLE_TRY_ASSIGN(record.options, required_text(object, "options"));
  record.source_bytes = static_cast<std::uint64_t>(number_or_zero(object, "source_bytes"));
  const json::value* files = member(object, "files");
  if (files == nullptr || !files->is_object()) return corrupt("\"files\" is missing");
  for (const auto& [name, value] : files->as_object()) {
    if (!value.is_object()) return wrong_kind("files", "an object of objects", value);
    FileRecord file;
    file.name = std::string(name.data(), name.size());
    file.size_bytes = static_cast<std::uint64_t>(number_or_zero(value.as_object(), "bytes"));
    AXLE_TRY_ASSIGN(file.sha256, required_text(value.as_object(), "sha256"));
    record.files.push_back(std::move(file));
  }
  return record;
}

std::string vendor_config_json(const VendorConfig& config) {
  json::object object = {{"model_name", config.model_name},
                         {"tokenizer_type", config.tokenizer_type},
                         {"url_tokenizer_model", config.tokenizer_file},
                         {"template_filename_axmodel", config.layer_template},
                         {"axmodel_num", config.layer_count},
                         {"filename_post_axmodel", config.post_file},
                         {"filename_tokens_embed", config.embedding_file},
                         {"tokens_embed_num", config.vocab_size},
                         {"tokens_embed_size", config.hidden},
                         {"system_prompt", config.system_prompt}};
  if (config.no_weights) object["axle_no_weights"] = true;
  // Without the key the tokenizer is looked for; an empty one would be no path.
  if (config.tokenizer_file.empty()) object.erase("url_tokenizer_model");
  return pretty(object);
}

std::string tokenizer_config_json(const TextConfig& config) {
  json::object object;
  if (!config.bos_text.empty()) object["bos_token"] = config.bos_text;
  if (!config.eos_text.empty()) object["eos_token"] = config.eos_text;
  object["add_bos_token"] = config.add_bos.value_or(false);
  if (config.chat_template) object["chat_template"] = *config.chat_template;
  return pretty(object);
}

std::string generation_config_json(const TextConfig& config) {
  json::object object = {{"eos_token_id", id_array(config.end_tokens)}};
  if (config.sampling.temperature) object["temperature"] = *config.sampling.temperature;
  if (config.sampling.top_p) object["top_p"] = *config.sampling.top_p;
  if (config.sampling.top_k) object["top_k"] = *config.sampling.top_k;
  return pretty(object);
}

std::string trial_context_json(const TextConfig& config) {
  const json::array messages = {json::object{{"role", "user"}, {"content", "Hello"}}};
  return json::serialize(json::object{{"messages", messages},
                                      {"add_generation_prompt", true},
                                      {"bos_token", config.bos_text},
                                      {"eos_token", config.eos_text}});
}

}  // namespace axle::package
