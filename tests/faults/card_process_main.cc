// A card process without the rest of the program, for the fault tests: --library FILE --fd N
// [--probes FOLDER], or --library FILE --reboot, which restarts the first card as "axcl-smi reboot"
// does.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "card/library.h"
#include "worker/card_process.h"

namespace {

int reboot(const axle::card::LibraryOptions& options) {
  const auto library = axle::card::Library::open(options);
  if (!library.ok()) return std::fprintf(stderr, "%s\n", library.status().to_string().c_str()), 1;
  const auto devices = (*library)->devices();
  if (!devices.ok() || devices->empty()) return 1;
  const axle::Status status = (*library)->reboot(devices->front());
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options;
  for (int i = 1; i < argc; i += 2) options[argv[i]] = i + 1 < argc ? argv[i + 1] : "";
  axle::worker::WorkerOptions worker;
  worker.library.library = options["--library"];
  if (options.contains("--reboot")) return reboot(worker.library);
  worker.socket = std::atoi(options["--fd"].c_str());
  // The tests count the engine runs of texts.
  worker.prepare.probe = axle::llm::ProbeChoice::kOff;
  if (options.contains("--probes")) {
    worker.prepare.probe = axle::llm::ProbeChoice::kAuto;
    worker.prepare.cache_folder = options["--probes"];
  }
  worker.heartbeat_interval = std::chrono::milliseconds(50);
  return axle::worker::run_card_process(worker);
}
