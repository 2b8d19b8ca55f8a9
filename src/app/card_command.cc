#include <utility>

#include "app/commands.h"
#include "llm/prepare.h"
#include "worker/card_process.h"

namespace axle::app {
namespace {

// The configuration has checked the words.
llm::PrepareOptions prepare_options(const Config& config) {
  using llm::OrderChoice;
  using llm::ProbeChoice;
  llm::PrepareOptions options;
  if (config.llm_order != "auto") {
    options.order = config.llm_order == "vendor" ? OrderChoice::kVendor : OrderChoice::kChained;
  }
  if (config.llm_probe != "auto") {
    options.probe = config.llm_probe == "off" ? ProbeChoice::kOff : ProbeChoice::kAlways;
  }
  options.cache_folder = cache_folder(config);
  options.generator.max_banks = config.kv_banks;
  options.generator.host_cache_bytes = std::uint64_t{config.host_cache_mib} << 20;
  return options;
}

}  // namespace

int run_card(const Config& config, int socket) {
  worker::WorkerOptions options;
  options.socket = socket;
  options.library.library = config.library;
  options.library.softcard = softcard_library(config);
  options.library.config = config.axcl_config;
  options.prepare = prepare_options(config);
  if (config.device) options.card.device = card::DeviceId{*config.device};
  return worker::run_card_process(options);
}

}  // namespace axle::app
