#include <utility>

#include "app/commands.h"
#include "worker/card_process.h"

namespace axle::app {

int run_card(const Config& config, int socket) {
  worker::WorkerOptions options;
  options.socket = socket;
  options.library.library = config.library;
  options.library.softcard = softcard_library(config);
  options.library.config = config.axcl_config;
  if (config.device) options.card.device = card::DeviceId{*config.device};
  options.generator.max_banks = config.kv_banks;
  options.generator.host_cache_bytes = std::uint64_t{config.host_cache_mib} << 20;
  return worker::run_card_process(options);
}

}  // namespace axle::app
