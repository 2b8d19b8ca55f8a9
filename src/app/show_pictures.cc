#include "app/show_pictures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "app/commands.h"
#include "app/progress.h"
#include "package/picture_package.h"

namespace axle::app {
namespace {

std::string sizes_text(const package::PicturePackageInfo& info) {
  std::vector<std::string> sizes;
  for (const package::PictureVariant& variant : info.variants) sizes.push_back(variant.id);
  return fmt::to_string(fmt::join(sizes, ", "));
}

std::string steps_text(const package::PicturePackageInfo& info) {
  std::vector<int> steps;
  for (const auto& [step, row] : info.time_rows) steps.push_back(step);
  return fmt::to_string(fmt::join(steps, ", "));
}

std::string_view runs_on(const package::PicturePackageInfo& info) {
  if (!info.has_weights) return "the software card with skip_arithmetic = true: it has no weights";
  return info.producer == package::Producer::kAxle ? "the software card"
                                                   : "the card; the software card cannot run it";
}

}  // namespace

std::string pictures_line(const std::filesystem::path& folder) {
  const Result<package::PicturePackage> package = package::PicturePackage::open(folder);
  if (!package.ok()) return "broken: " + package.status().message();
  return fmt::format("pictures, {}{}", sizes_text(package->info()),
                     package->info().has_weights ? "" : ", no weights");
}

Status show_pictures(const std::filesystem::path& folder, bool verify) {
  const Result<package::PicturePackage> package = package::PicturePackage::open(folder);
  if (!package.ok()) return with_package_advice(package.status());
  const package::PicturePackageInfo& info = package->info();
  fmt::print("{}\n", info.name);
  fmt::print("  folder      {}\n", info.folder.string());
  fmt::print("  family      pictures ({})\n", info.toolchain);
  fmt::print("  runs on     {}\n", runs_on(info));
  for (const package::PictureVariant& variant : info.variants) {
    fmt::print("  size        {}{}; card memory {}, estimated\n", variant.id,
               variant.vae_encoder ? ", also from a picture" : "",
               size_text(variant.memory.total()));
  }
  fmt::print("  texts       {} tokens of {} numbers\n", info.text_length, info.text_width);
  fmt::print("  timesteps   {}\n", steps_text(info));
  for (const std::string& note : info.notes) fmt::print("  note        {}\n", note);
  if (!verify) return {};
  AXLE_TRY(with_package_advice(package->verify()));
  fmt::print("  verified    every file is whole\n");
  return {};
}

}  // namespace axle::app
