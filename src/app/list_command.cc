#include <fmt/format.h>

#include <algorithm>

#include "api/openai/served_model.h"
#include "app/commands.h"
#include "app/progress.h"
#include "app/show_pictures.h"
#include "llm/probe_cache.h"
#include "package/package.h"
#include "package/store.h"

namespace axle::app {
namespace {

std::string family_of(const package::StoreEntry& entry) {
  if (entry.kind == package::PackageKind::kPictures) return pictures_line(entry.folder);
  const Result<package::Package> package = package::Package::open(entry.folder);
  if (!package.ok()) return "broken: " + package.status().message();
  return fmt::format("{}, {} layers, {} tokens{}", package->info().family, package->layer_count(),
                     package->cells(), package->info().has_weights ? "" : ", no weights");
}

std::string_view runs_on(const package::PackageInfo& info) {
  if (!info.has_weights) return "the software card with skip_arithmetic = true: it has no weights";
  return info.producer == package::Producer::kAxle ? "the software card"
                                                   : "the card; the software card cannot run it";
}

void print_shape(const package::PackageInfo& info) {
  fmt::print("{}\n", info.name);
  fmt::print("  folder      {}\n", info.folder.string());
  fmt::print("  family      {} ({})\n", info.family, info.toolchain);
  fmt::print("  runs on     {}\n", runs_on(info));
  fmt::print("  layers      {}, hidden {}, vocabulary {}\n", info.layers.size(), info.shape.hidden,
             info.vocab_size);
  fmt::print("  context     {} tokens for all conversations together\n", info.shape.cells());
  for (std::size_t i = 0; i < info.shape.groups.size(); ++i) {
    const package::Group& group = info.shape.groups[i];
    fmt::print("  group {:<5} {} row{} with up to {} cells of history\n", i, group.rows,
               group.rows == 1 ? "" : "s", group.history);
  }
  fmt::print("  card memory {} (engines {}, K/V {}, buffers {}), estimated\n",
             size_text(info.memory.total()), size_text(info.memory.engines),
             size_text(info.memory.cache), size_text(info.memory.buffers));
  fmt::print("  template    {}\n", info.chat_template.empty() ? "none: it cannot chat" : "yes");
  for (const std::string& note : info.notes) fmt::print("  note        {}\n", note);
}

// What was found out about the cards that have run it.
void print_probes(const Config& config, const package::Package& package) {
  const llm::ProbeCache cache(cache_folder(config));
  for (const llm::ProbeRecord& record :
       cache.of_files(package.info().folder.string(), llm::hash_of_files(package))) {
    fmt::print("  probed      {}, {}: {}\n", record.key.card, record.key.software,
               llm::describe(record.report));
  }
}

}  // namespace

Status run_list(const Config& config) {
  const package::Store store(models_folder(config));
  AXLE_TRY_ASSIGN(const std::vector<package::StoreEntry> entries, store.list());
  if (entries.empty()) {
    fmt::print("no models in {}; make one with: axle import FILE.gguf\n", store.folder().string());
    return {};
  }
  std::size_t width = 4;
  for (const auto& entry : entries) width = std::max(width, entry.name.size());
  fmt::print("{:<{}}  {:>8}  {}\n", "NAME", width, "SIZE", "MODEL");
  for (const auto& entry : entries) {
    fmt::print("{:<{}}  {:>8}  {}\n", entry.name, width, size_text(entry.size_bytes),
               family_of(entry));
  }
  return {};
}

Status run_show(const Config& config, const std::string& name, bool verify) {
  const package::Store store(models_folder(config));
  AXLE_TRY_ASSIGN(const std::filesystem::path folder, store.find(name));
  if (package::kind_of_package(folder) == package::PackageKind::kPictures) {
    return show_pictures(folder, verify);
  }
  const Result<package::Package> package = package::Package::open(folder);
  if (!package.ok()) return with_package_advice(package.status());
  print_shape(package->info());
  print_probes(config, *package);
  // What "axle serve" needs beyond the engines.
  const auto served = api::ServedModel::load(name, folder.string());
  if (!served.ok()) return with_package_advice(served.status()).with_context("serve refuses it");
  if (verify) {
    AXLE_TRY(with_package_advice(package->verify()));
    fmt::print("  verified    every file is whole\n");
  }
  return {};
}

}  // namespace axle::app
