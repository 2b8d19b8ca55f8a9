#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "app/commands.h"
#include "app/config.h"
#include "app/exit_code.h"

namespace {

using axle::Status;
using axle::app::Config;
using axle::app::FlagValues;

// What the command line said, before the configuration is read.
struct CommandLine {
  std::string config_file;
  FlagValues flags;
  axle::app::ImportArguments import;
  axle::app::ChatArguments chat;
  axle::app::ImageArguments image;
  axle::app::BenchArguments bench;
  std::string show_name;
  bool verify = false;
  int socket = -1;
};

void add_settings(CLI::App& command, CommandLine& line) {
  command.add_option("--config", line.config_file,
                     "configuration file (TOML); else $AXLE_CONFIG, else /etc/axle/axle.toml");
  for (const axle::app::Setting& setting : axle::app::settings()) {
    auto* option =
        command.add_option(std::string(setting.flag), line.flags[std::string(setting.flag)],
                           std::string(setting.help) + " [" + std::string(setting.env) + ", " +
                               std::string(setting.key) + "]");
    option->type_name(std::string(setting.value))
        ->type_size(1)
        ->expected(1, setting.list ? CLI::detail::expected_max_vector_size : 1);
    if (!setting.list) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
}

void add_import(CLI::App& app, CommandLine& line) {
  CLI::App* command =
      app.add_subcommand("import",
                         "make a model package for the software card from a GGUF file, or from an "
                         "SD 1.5 pipeline in ONNX");
  CLI::Option* file =
      command->add_option("file", line.import.file,
                          "GGUF file (llama, qwen2 or qwen3), or a folder with text_encoder, unet, "
                          "vae_decoder and tokenizer");
  command
      ->add_option("--shape", line.import.shape,
                   "instead of a file: a package of that shape without weights, for benchmarks: "
                   "qwen3-0.6b, qwen3-1.7b, qwen3-4b, or sd15 for pictures")
      ->excludes(file);
  command->add_option("--name", line.import.name, "name of the model; default: from the file");
  command->add_option("--weights", line.import.weights,
                      "q8_0 (default), q4_0, or keep: as they are where possible; for a file");
  command->add_option("--context,--cells", line.import.cells,
                      "tokens of context (T), shared by all conversations; default 2047");
  command->add_option("--chunk", line.import.chunk, "prompt tokens per engine call; default 128");
  command
      ->add_option("--ladder", line.import.ladder,
                   "histories of the prefill groups; default: doubling up to the context")
      ->delimiter(',');
  command
      ->add_option("--temperature", line.import.temperature,
                   "0 to 2; what the model's makers advise, where a GGUF file does not say it")
      ->check(CLI::Range(0.0, 2.0));
  command->add_option("--top-p", line.import.top_p, "above 0, to 1; the same")
      ->check(CLI::Range(0.01, 1.0));
  command->add_option("--size", line.import.size,
                      "of pictures, where the ONNX files leave it open; default 512x512");
  command->add_flag("--replace", line.import.replace, "replace a model of that name");
  add_settings(*command, line);
}

void add_chat(CLI::App& app, CommandLine& line) {
  CLI::App* chat = app.add_subcommand("chat", "talk to a running server in the terminal");
  chat->add_option("prompt", line.chat.prompt, "one question; without it a conversation begins");
  chat->add_option("--url", line.chat.url, "server")->envname("AXLE_URL")->capture_default_str();
  chat->add_option("--api-key", line.chat.api_key, "key of the server")->envname("AXLE_API_KEY");
  chat->add_option("--model", line.chat.model, "model; default: the only or first one");
  chat->add_option("--system", line.chat.system, "system message");
  chat->add_option("--temperature", line.chat.temperature, "0 to 2");
  chat->add_option("--max-tokens", line.chat.max_tokens, "longest answer in tokens");
  chat->add_option("--seed", line.chat.seed, "the same seed gives the same answer");
}

void add_image(CLI::App& app, CommandLine& line) {
  axle::app::ImageArguments& image = line.image;
  CLI::App* command = app.add_subcommand(
      "image", "have a running server paint, and show it in the terminal or write a file");
  command->add_option("prompt", image.prompt, "what is to be seen")->required();
  command->add_option("--url", image.url, "server")->envname("AXLE_URL")->capture_default_str();
  command->add_option("--api-key", image.api_key, "key of the server")->envname("AXLE_API_KEY");
  command->add_option("--model", image.model, "picture model; default: the first one");
  command->add_option("--negative", image.negative, "what is not to be seen; needs --guidance");
  command->add_option("--guidance", image.guidance, "away from --negative, 1 to 2");
  command->add_option("--size", image.size, "512x512, ...; default: as the model has it");
  command->add_option("--steps", image.steps, "of the U-Net; default 4");
  command->add_option("--seed", image.seed, "the same seed gives the same picture");
  command->add_option("-n,--count", image.count, "pictures")->check(CLI::Range(1, 10));
  CLI::Option* from =
      command->add_option("--from", image.picture, "picture file to begin with (img2img)");
  command->add_option("--strength", image.strength, "how much of it is painted anew, 0 to 1")
      ->needs(from);
  command
      ->add_option("--mask", image.mask, "picture file: what is white, or clear, is painted anew")
      ->needs(from);
  command->add_option("-o,--output", image.output, "file; default: shown, or named by the prompt");
  command->add_option("--show", image.show, "auto, kitty, iterm2, sixel or none");
}

void add_bench(CLI::App& app, CommandLine& line) {
  CLI::App* bench = app.add_subcommand("bench", "measure a running server");
  std::string scenarios = "what to measure (default: lengths), or all:";
  for (const axle::app::Scenario& scenario : axle::app::bench_scenarios()) {
    scenarios += fmt::format("\n{}: {}", scenario.name, scenario.what);
  }
  bench->add_option("scenario", line.bench.scenarios, scenarios);
  bench->add_option("--url", line.bench.url, "server")->envname("AXLE_URL")->capture_default_str();
  bench->add_option("--api-key", line.bench.api_key, "key of the server")->envname("AXLE_API_KEY");
  bench->add_option("--model", line.bench.model, "model; default: the only or first one");
  axle::app::BenchOptions& options = line.bench.options;
  bench->add_option("--prompt-tokens", options.prompt_tokens, "prompt lengths")
      ->delimiter(',')
      ->check(CLI::Range(1, 1'000'000));
  bench->add_option("--new-tokens", options.new_tokens, "tokens of each answer")
      ->check(CLI::Range(1, 100'000));
  bench->add_option("--clients", options.clients, "clients at once")->check(CLI::Range(1, 1024));
  bench
      ->add_option("--system-tokens", options.system_tokens,
                   "length of the system message, for shared; default 600")
      ->check(CLI::Range(1, 1'000'000));
  bench
      ->add_option("--requests", options.requests,
                   "requests of all clients together, for mixed and arrivals; default 24")
      ->check(CLI::Range(1, 100'000));
  bench
      ->add_option("--rate", options.rate,
                   "requests that arrive per second, for arrivals; default 1")
      ->check(CLI::Range(0.001, 10'000.0));
  bench
      ->add_option("--repeats", options.repeats,
                   "rounds; the median is shown; default 3, where many ask at once 1")
      ->check(CLI::Range(1, 1000));
  bench
      ->add_option("--seed", options.seed, "of prompts and times; default: one that no run has had")
      ->check(CLI::Range(0, 1'000'000));
  using Format = axle::app::BenchFormat;
  const auto format = [&line](Format chosen) {
    return [&line, chosen](std::int64_t) { line.bench.format = chosen; };
  };
  CLI::Option* json =
      bench->add_flag_function("--json", format(Format::kJson), "print a JSON array, no table");
  bench->add_flag_function("--csv", format(Format::kCsv), "print CSV, no table")->excludes(json);
}

void add_commands(CLI::App& app, CommandLine& line) {
  add_settings(*app.add_subcommand("serve", "start the server"), line);
  add_chat(app, line);
  add_image(app, line);
  add_bench(app, line);
  add_import(app, line);
  add_settings(*app.add_subcommand("ls", "list the models"), line);
  CLI::App* show = app.add_subcommand("show", "show one model");
  show->add_option("name", line.show_name, "model")->required();
  show->add_flag("--verify", line.verify, "read every file whole");
  add_settings(*show, line);
  add_settings(*app.add_subcommand("doctor", "check what the card needs, and say how to mend it"),
               line);
  app.add_subcommand("version", "print the version");
  CLI::App* card = app.add_subcommand("card", "")->group("");  // Internal: started by serve.
  card->add_option("--fd", line.socket, "")->required();
  add_settings(*card, line);
}

void start_log(const Config& config, const std::string& command) {
  axle::LogOptions log{config.log_level, config.log_format, "", config.log_prompts};
  if (command == "card") log.process = "card";
  axle::init_logging(log);
}

Status run_configured(const std::string& command, const CommandLine& line, const Config& config) {
  if (command == "serve") return axle::app::run_serve(config);
  if (command == "import") return axle::app::run_import(config, line.import);
  if (command == "ls") return axle::app::run_list(config);
  if (command == "show") return axle::app::run_show(config, line.show_name, line.verify);
  return axle::app::run_doctor(config);
}

int report(const Status& status, const std::string& command) {
  if (!status.ok())
    std::fprintf(stderr, "axle %s: %s\n", command.c_str(), status.message().c_str());
  return axle::app::exit_code(status);
}

int run(const std::string& command, const CommandLine& line) {
  if (command == "version") {
    std::printf("%s\n", axle::app::version_text().c_str());
    return 0;
  }
  if (command == "chat") return report(axle::app::run_chat(line.chat), command);
  if (command == "image") return report(axle::app::run_image(line.image), command);
  if (command == "bench") return report(axle::app::run_bench(line.bench), command);
  const axle::Result<Config> config = axle::app::load_config(line.config_file, line.flags);
  if (!config.ok()) return report(config.status(), command);
  start_log(*config, command);
  if (command == "card") return axle::app::run_card(*config, line.socket);
  return report(run_configured(command, line, *config), command);
}

// What is wrong with the command line, and where to look.
void tell_wrong_use(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (!app.get_subcommands().empty()) {
    const std::string command = app.get_subcommands().front()->get_name();
    std::fprintf(stderr, "axle %s: %s; see: axle %s --help\n", command.c_str(), error.what(),
                 command.c_str());
    return;
  }
  std::string known;
  for (const CLI::App* command : app.get_subcommands(
           [](const CLI::App* candidate) { return !candidate->get_group().empty(); })) {
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  const std::string found = argc > 1 ? fmt::format("there is no command \"{}\"", argv[1])
                                     : std::string("a command is missing");
  std::fprintf(stderr, "axle: %s; the commands are %s; see: axle --help\n", found.c_str(),
               known.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app{"axle: one AI server for an AX650N card, and for machines without one"};
    app.name("axle");
    app.require_subcommand(1);
    app.set_version_flag("--version", axle::app::version_text());
    CommandLine line;
    add_commands(app, line);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app.exit(error);  // Help or version.
      tell_wrong_use(app, error, argc, argv);
      return 2;
    }
    return run(app.get_subcommands().front()->get_name(), line);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "axle: %s; this is a bug in axle\n", error.what());
    return 70;
  }
}
