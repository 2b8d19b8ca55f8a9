#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/bench_plan.h"
#include "app/config.h"
#include "base/status.h"

// The commands of the program, each in a file of its own. Each returns its outcome; main turns it
// into a message and an exit code (exit_code.h). What people asked for goes to standard output,
// everything else to standard error.
namespace axle::app {

Status run_serve(const Config& config);

// The card process; started by serve only, with its end of a socket pair.
int run_card(const Config& config, int socket);

struct ImportArguments {
  std::filesystem::path file = {};  // A GGUF file or a folder of ONNX files; or else a shape.
  std::string shape = {};    // "qwen3-0.6b", "sd15", ...: a package of that shape without weights.
  std::string name = {};     // Empty: from the file's name, or the shape's with "-shape".
  std::string weights = {};  // Empty: q8_0. Of files only.
  std::optional<std::uint32_t> cells = {};  // Nothing: 2047, or as the shape says.
  std::optional<std::uint32_t> chunk = {};  // Nothing: 128, or as the shape says.
  std::vector<std::size_t> ladder = {};    // Empty: made for cells and chunk, or as the shape says.
  std::optional<double> temperature = {};  // Of a file's model, as its makers advise.
  std::optional<double> top_p = {};
  std::string size = {};  // "512x512", of pictures; empty: that.
  bool replace = false;
};
Status run_import(const Config& config, const ImportArguments& arguments);

Status run_list(const Config& config);
Status run_show(const Config& config, const std::string& name, bool verify);
Status run_doctor(const Config& config);

struct ChatArguments {
  std::string url = "http://127.0.0.1:8000";
  std::string api_key;
  std::string model;
  std::string system;
  std::string prompt;  // Given: one answer, then the end.
  std::optional<double> temperature;
  std::optional<int> max_tokens;
  std::optional<std::int64_t> seed;
};
Status run_chat(const ChatArguments& arguments);

struct ImageArguments {
  std::string url = "http://127.0.0.1:8000";
  std::string api_key;
  std::string model;
  std::string prompt;
  std::string negative;
  std::string size;  // "512x512"; empty: as the server chooses.
  std::optional<int> steps;
  std::optional<std::int64_t> seed;
  std::optional<double> guidance;
  int count = 1;
  std::filesystem::path picture;  // To begin with; empty: none.
  std::filesystem::path mask;
  std::optional<double> strength;
  std::filesystem::path output;  // Empty: the terminal, or a file named by the prompt.
  std::string show = "auto";     // See protocol_named().
};
Status run_image(const ImageArguments& arguments);

enum class BenchFormat : std::uint8_t { kTable, kJson, kCsv };

struct BenchArguments {
  std::string url = "http://127.0.0.1:8000";
  std::string api_key;
  std::string model;
  std::vector<std::string> scenarios;  // Empty: the first of bench_scenarios().
  BenchOptions options;
  BenchFormat format = BenchFormat::kTable;
};
Status run_bench(const BenchArguments& arguments);

// The failure to read a package, with what to do about it.
Status with_package_advice(const Status& status);

// "axle 0.1.0" and what it was built with.
std::string version_text();
std::string version_number();

// The software card's library: as configured, else beside this program (build tree or
// installation).
std::filesystem::path softcard_library(const Config& config);
std::filesystem::path own_executable();
std::filesystem::path models_folder(const Config& config);
// Where probes of cards are remembered: as configured, else $XDG_CACHE_HOME/axle, else
// $HOME/.cache/axle, else /var/cache/axle.
std::filesystem::path cache_folder(const Config& config);

}  // namespace axle::app
