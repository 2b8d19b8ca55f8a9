#include "softcard/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "base/file.h"
#include "base/toml.h"
#include "softcard/codes.h"

namespace axle::softcard {
namespace {

constexpr std::size_t kProfileLimitBytes = std::size_t{1} << 20;

Status bad(const toml::node& node, std::string_view reason) {
  return invalid_argument(fmt::format("line {}: {}", node.source().begin.line, reason));
}

// Reads one TOML table key by key; finish() refuses keys that nobody asked for.
class Keys {
 public:
  Keys(const toml::table& table, std::string_view name) : table_(table), name_(name) {}

  struct Range {
    double low = 0.0;
    double high = 0.0;
  };

  void number(std::string_view key, double& value, Range range) {
    take(key, [&](const toml::node& node) {
      const std::optional<double> found = node.value<double>();
      if (!found.has_value() || !(*found >= range.low && *found <= range.high)) {
        return bad(node,
                   fmt::format("{} must be a number from {} to {}", key, range.low, range.high));
      }
      value = *found;
      return Status();
    });
  }

  template <typename Integer>
  void integer(std::string_view key, Integer& value, Range range) {
    take(key, [&](const toml::node& node) {
      const std::optional<std::int64_t> found = node.value_exact<std::int64_t>();
      if (!found.has_value() || static_cast<double>(*found) < range.low ||
          static_cast<double>(*found) > range.high) {
        return bad(node, fmt::format("{} must be a whole number from {} to {}", key, range.low,
                                     range.high));
      }
      value = static_cast<Integer>(*found);
      return Status();
    });
  }

  void flag(std::string_view key, bool& value) {
    take(key, [&](const toml::node& node) {
      const std::optional<bool> found = node.value_exact<bool>();
      if (!found.has_value()) return bad(node, fmt::format("{} must be true or false", key));
      value = *found;
      return Status();
    });
  }

  void text(std::string_view key, const std::function<Status(std::string_view)>& use) {
    take(key, [&](const toml::node& node) {
      const std::optional<std::string> found = node.value_exact<std::string>();
      if (!found.has_value()) return bad(node, fmt::format("{} must be a text", key));
      const Status status = use(*found);
      return status.ok() ? status : bad(node, status.message());
    });
  }

  void node(std::string_view key, const std::function<Status(const toml::node&)>& use) {
    take(key, use);
  }

  Status finish() {
    for (const auto& [key, value] : table_) {
      if (status_.ok() && known_.count(std::string(key.str())) == 0) {
        status_ = bad(value, fmt::format("unknown key \"{}\" in {}", key.str(), name_));
      }
    }
    return status_;
  }

 private:
  template <typename Use>
  void take(std::string_view key, const Use& use) {
    known_.emplace(key);
    const toml::node* node = table_.get(key);
    if (node != nullptr && status_.ok()) status_ = use(*node);
  }

  const toml::table& table_;
  std::string_view name_;
  std::set<std::string> known_;
  Status status_;
};

// "0x8030050c" or "-2144336628" as the code it names.
Result<std::uint64_t> parse_hex(std::string_view text) {
  std::string_view digits = text;
  if (digits.substr(0, 2) == "0x") digits.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return invalid_argument(fmt::format("\"{}\" is not a hexadecimal number", text));
  }
  return value;
}

// A number written as an integer (TOML knows 0x...) or as a hexadecimal text.
Result<std::uint64_t> number_or_hex(const toml::node& node, std::string_view key) {
  if (const auto value = node.value_exact<std::int64_t>())
    return static_cast<std::uint64_t>(*value);
  if (const auto value = node.value_exact<std::string>()) {
    const Result<std::uint64_t> parsed = parse_hex(*value);
    if (!parsed.ok()) return bad(node, fmt::format("{}: {}", key, parsed.status().message()));
    return *parsed;
  }
  return bad(node, fmt::format("{} must be a number or a hexadecimal text", key));
}

Status read_temperature(const toml::node& node, TemperatureCurve& curve) {
  constexpr double kLowest = -40.0;
  constexpr double kHighest = 125.0;
  const auto degrees = [&](double value) { return value >= kLowest && value <= kHighest; };
  if (const auto level = node.value<double>()) {
    if (!degrees(*level)) return bad(node, "temperature must be from -40 to 125 degrees C");
    curve = {{0.0, *level}};
    return {};
  }
  const toml::array* points = node.as_array();
  if (points == nullptr || points->empty()) {
    return bad(node, "temperature must be a number or a list of [seconds, degrees]");
  }
  curve.clear();
  for (const toml::node& entry : *points) {
    const toml::array* pair = entry.as_array();
    const auto seconds = pair != nullptr && pair->size() == 2 ? pair->get(0)->value<double>()
                                                              : std::optional<double>();
    const auto value = seconds.has_value() ? pair->get(1)->value<double>() : std::nullopt;
    if (!value.has_value() || !degrees(*value) || !(*seconds >= 0.0 && *seconds <= 1e9) ||
        (!curve.empty() && *seconds <= curve.back().first)) {
      return bad(entry,
                 "a temperature point is [seconds, degrees], seconds rising from 0, degrees "
                 "from -40 to 125");
    }
    curve.emplace_back(*seconds, *value);
  }
  return {};
}

Result<CardProfile> read_card(const toml::table& table) {
  CardProfile card;
  Keys keys(table, "[[card]]");
  std::uint64_t memory_mib = card.memory_bytes >> 20;
  keys.integer("bus", card.bus, {1, 255});
  keys.integer("memory_mib", memory_mib, {1, 1 << 20});
  keys.node("uid", [&](const toml::node& node) -> Status {
    AXLE_TRY_ASSIGN(card.uid, number_or_hex(node, "uid"));
    return {};
  });
  keys.node("temperature",
            [&](const toml::node& node) { return read_temperature(node, card.temperature); });
  keys.text("temperature_file", [&](std::string_view path) {
    card.temperature_file = path;
    return Status();
  });
  keys.number("dead_open_seconds", card.dead_open_seconds, {0.0, 3600.0});
  keys.flag("leak_on_kill", card.leak_on_kill);
  AXLE_TRY(keys.finish());
  card.memory_bytes = memory_mib << 20;
  return card;
}

Status read_timing(const toml::table& table, Timing& timing) {
  Keys keys(table, "[timing]");
  double call_ms = timing.call_seconds * 1e3;
  double copy_ms = timing.copy_seconds * 1e3;
  constexpr Keys::Range kMilliseconds{0.0, 1e6};
  constexpr Keys::Range kRate{0.0, 1e18};
  keys.number("call_ms", call_ms, kMilliseconds);
  keys.number("memory_bytes_per_second", timing.memory_bytes_per_second, kRate);
  keys.number("flops_per_second", timing.flops_per_second, kRate);
  keys.number("copy_ms", copy_ms, kMilliseconds);
  keys.number("copy_bytes_per_second", timing.copy_bytes_per_second, kRate);
  timing.call_seconds = call_ms / 1e3;
  timing.copy_seconds = copy_ms / 1e3;
  return keys.finish();
}

Result<FaultAction> parse_action(std::string_view name) {
  static const std::map<std::string_view, FaultAction> kActions = {
      {"error", FaultAction::kError}, {"sleep", FaultAction::kSleep},
      {"hang", FaultAction::kHang},   {"sleep_then_error", FaultAction::kSleepThenError},
      {"die", FaultAction::kDie},     {"crash", FaultAction::kCrash},
      {"nan", FaultAction::kNan}};
  const auto entry = kActions.find(name);
  if (entry == kActions.end()) {
    return invalid_argument(fmt::format(
        "unknown action \"{}\"; known: error, sleep, sleep_then_error, hang, die, crash, nan",
        name));
  }
  return entry->second;
}

// FNV-1a over what a rule says, so that equal rules have equal keys in every process.
std::uint64_t rule_key(const FaultRule& rule, std::size_t position) {
  const std::string text = fmt::format(
      "{}|{}|{}|{}|{}|{}|{}|{}", position, call_name(rule.call), static_cast<int>(rule.action),
      rule.first, rule.after_executes.value_or(0), rule.count, rule.code, rule.process);
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char letter : text) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  }
  return hash;
}

Status check_rule(const toml::table& table, const FaultRule& rule) {
  if (rule.action == FaultAction::kNan && rule.call != CallId::kEngineExecute) {
    return bad(table, "action \"nan\" goes with call = \"EngineExecute\"");
  }
  if (rule.after_executes.has_value() && table.contains("at")) {
    return bad(table, "a fault has either \"at\" or \"after_executes\"");
  }
  const bool sleeps =
      rule.action == FaultAction::kSleep || rule.action == FaultAction::kSleepThenError;
  if (sleeps && !table.contains("seconds")) return bad(table, "this action needs \"seconds\"");
  return {};
}

Result<FaultRule> read_fault(const toml::table& table, std::size_t position) {
  FaultRule rule;
  Keys keys(table, "[[fault]]");
  constexpr Keys::Range kCount{0, 9e15};
  if (!table.contains("action")) return bad(table, "a fault needs \"action\"");
  keys.text("call", [&](std::string_view name) -> Status {
    const std::optional<CallId> call = find_call(name);
    if (!call.has_value()) return invalid_argument(fmt::format("no fault at call \"{}\"", name));
    rule.call = *call;
    return {};
  });
  keys.text("action", [&](std::string_view name) -> Status {
    AXLE_TRY_ASSIGN(rule.action, parse_action(name));
    return {};
  });
  rule.code = usual_error(rule.call);
  keys.integer("at", rule.first, {1, kCount.high});
  std::uint64_t after = 0;
  keys.integer("after_executes", after, kCount);
  if (table.contains("after_executes")) rule.after_executes = after;
  keys.integer("count", rule.count, kCount);
  keys.node("code", [&](const toml::node& node) -> Status {
    AXLE_TRY_ASSIGN(const std::uint64_t code, number_or_hex(node, "code"));
    rule.code = error_code(static_cast<std::uint32_t>(code));
    return {};
  });
  keys.number("seconds", rule.seconds, {0.0, 1e6});
  keys.flag("once", rule.once);
  keys.text("process", [&](std::string_view name) {
    rule.process = name;
    return Status();
  });
  AXLE_TRY(keys.finish());
  AXLE_TRY(check_rule(table, rule));
  rule.key = rule_key(rule, position);
  return rule;
}

// Calls `use` with every table of an array of tables.
Status each_table(const toml::node& node, std::string_view key,
                  const std::function<Status(const toml::table&)>& use) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return bad(node, fmt::format("write [[{}]] for each {}", key, key));
  for (const toml::node& entry : *list) {
    const toml::table* table = entry.as_table();
    if (table == nullptr) return bad(entry, fmt::format("write [[{}]] for each {}", key, key));
    AXLE_TRY(use(*table));
  }
  return {};
}

Status read_cards(const toml::node& node, Profile& profile) {
  profile.cards.clear();
  AXLE_TRY(each_table(node, "card", [&](const toml::table& table) -> Status {
    AXLE_TRY_ASSIGN(const CardProfile card, read_card(table));
    const bool taken = std::any_of(profile.cards.begin(), profile.cards.end(),
                                   [&](const CardProfile& other) { return other.bus == card.bus; });
    if (taken) return bad(table, fmt::format("two cards have bus {}", card.bus));
    profile.cards.push_back(card);
    return {};
  }));
  constexpr std::size_t kMostCards = 8;
  if (profile.cards.size() > kMostCards) return bad(node, "more than 8 cards");
  std::sort(profile.cards.begin(), profile.cards.end(),
            [](const CardProfile& a, const CardProfile& b) { return a.bus < b.bus; });
  return {};
}

Status read_quirks(const toml::node& node, Quirks& quirks) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return bad(node, "quirks must be a list of names");
  for (const toml::node& entry : *list) {
    const std::optional<std::string> name = entry.value_exact<std::string>();
    const std::optional<Quirk> quirk = name.has_value() ? find_quirk(*name) : std::nullopt;
    if (!quirk.has_value()) {
      return bad(entry, fmt::format("unknown quirk{}; known: {}",
                                    name.has_value() ? " \"" + *name + "\"" : "", known_quirks()));
    }
    quirks.add(*quirk);
  }
  return {};
}

Status read_profile(const toml::table& table, Profile& profile) {
  Keys keys(table, "the profile");
  keys.integer("threads", profile.threads, {0, 1024});
  keys.text("graph_precision", [&](std::string_view name) -> Status {
    if (name != "f32" && name != "bf16") {
      return invalid_argument(fmt::format("unknown precision \"{}\"; known: f32, bf16", name));
    }
    profile.graph_precision = name == "f32" ? GraphPrecision::kFloat : GraphPrecision::kBfloat16;
    return {};
  });
  keys.flag("skip_arithmetic", profile.skip_arithmetic);
  keys.node("quirks", [&](const toml::node& node) { return read_quirks(node, profile.quirks); });
  keys.text("pace", [&](std::string_view name) -> Status {
    if (name == "none") return {};
    if (name != "llm8850-pi5") {
      return invalid_argument(fmt::format("unknown pace \"{}\"; known: none, llm8850-pi5", name));
    }
    profile.timing = llm8850_pi5_timing();
    return {};
  });
  keys.node("timing", [&](const toml::node& node) {
    const toml::table* timing = node.as_table();
    if (timing == nullptr) return bad(node, "timing must be a table");
    return read_timing(*timing, profile.timing);
  });
  keys.node("card", [&](const toml::node& node) { return read_cards(node, profile); });
  keys.node("fault", [&](const toml::node& node) {
    return each_table(node, "fault", [&](const toml::table& fault) -> Status {
      AXLE_TRY_ASSIGN(FaultRule rule, read_fault(fault, profile.faults.size()));
      profile.faults.push_back(std::move(rule));
      return {};
    });
  });
  return keys.finish();
}

}  // namespace

double temperature_at(const TemperatureCurve& curve, double seconds) {
  if (curve.empty()) return 0.0;
  const auto after = std::find_if(curve.begin(), curve.end(),
                                  [seconds](const auto& point) { return point.first > seconds; });
  if (after == curve.begin()) return curve.front().second;
  if (after == curve.end()) return curve.back().second;
  const auto& [end, end_value] = *after;
  const auto& [begin, begin_value] = *std::prev(after);
  return begin_value + (end_value - begin_value) * (seconds - begin) / (end - begin);
}

bool Timing::paced() const {
  return call_seconds > 0.0 || memory_bytes_per_second > 0.0 || flops_per_second > 0.0;
}

Timing llm8850_pi5_timing() {
  return {.call_seconds = 0.457e-3,
          .memory_bytes_per_second = 21.5e9,
          .flops_per_second = 4.6e12,
          .copy_seconds = 0.122e-3,
          .copy_bytes_per_second = 400e6};
}

Result<Profile> parse_profile(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return invalid_argument(fmt::format("line {}: {}", parsed.error().source().begin.line,
                                        parsed.error().description()));
  }
  Profile profile;
  AXLE_TRY(read_profile(parsed.table(), profile));
  return profile;
}

Result<Profile> profile_from_environment() {
  constexpr std::string_view kInline = "toml:";
  const char* setting = std::getenv("AXLE_SOFTCARD");
  const std::string_view source = setting != nullptr ? setting : "";
  Profile profile;
  if (source.substr(0, kInline.size()) == kInline) {
    Result<Profile> parsed = parse_profile(source.substr(kInline.size()));
    if (!parsed.ok()) return parsed.status().with_context("AXLE_SOFTCARD");
    profile = *std::move(parsed);
  } else if (!source.empty()) {
    AXLE_TRY_ASSIGN(const std::string text, read_file(source, kProfileLimitBytes));
    Result<Profile> parsed = parse_profile(text);
    if (!parsed.ok()) return parsed.status().with_context(source);
    profile = *std::move(parsed);
  }
  if (const char* threads = std::getenv("AXLE_SOFTCARD_THREADS"); threads != nullptr && *threads) {
    const std::string_view digits = threads;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), profile.threads);
    if (error != std::errc() || end != digits.data() + digits.size() || profile.threads < 0 ||
        profile.threads > 1024) {
      return invalid_argument(
          fmt::format("AXLE_SOFTCARD_THREADS is \"{}\", not a number from 0 to 1024", digits));
    }
  }
  return profile;
}

}  // namespace axle::softcard
