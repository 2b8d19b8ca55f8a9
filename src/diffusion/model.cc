#include "diffusion/model.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "card/card.h"

namespace axle::diffusion {
namespace {

using package::PicturePackageInfo;
using package::PictureVariant;

std::set<std::filesystem::path> engine_files(const PicturePackageInfo& package) {
  std::set<std::filesystem::path> files;
  for (const PictureVariant& variant : package.variants) {
    files.insert({variant.text_encoder, variant.unet, variant.vae_decoder});
    if (variant.vae_encoder) files.insert(*variant.vae_encoder);
  }
  return files;
}

std::uint64_t file_bytes(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

std::uint64_t buffers_of(const PicturePackageInfo& package) {
  std::uint64_t bytes = 0;
  for (const PictureVariant& variant : package.variants) {
    bytes += CardEngines::buffer_bytes(package, variant);
  }
  return bytes;
}

}  // namespace

std::uint64_t PictureModel::predicted_bytes(const package::PicturePackage& package) {
  std::uint64_t engines = 0;
  std::uint64_t largest = 0;
  for (const auto& file : engine_files(package.info())) {
    engines += file_bytes(file);
    largest = std::max(largest, file_bytes(file));
  }
  // While a file loads, the card holds it twice: as it came and as it is used.
  return engines + std::max(largest, buffers_of(package.info()));
}

Result<std::unique_ptr<PictureModel>> PictureModel::load(card::Card& card,
                                                         const package::PicturePackage& package,
                                                         const LoadCallback& progress) {
  AXLE_TRY(card.check_room(predicted_bytes(package), package.info().name, "one with fewer sizes"));
  const PicturePackageInfo& info = package.info();
  std::unique_ptr<PictureModel> model(new PictureModel());
  const std::set<std::filesystem::path> files = engine_files(info);
  for (const auto& file : files) {
    AXLE_TRY_ASSIGN(card::Engine engine, card::Engine::load(card, file));
    model->engines_.emplace(file, std::move(engine));
    if (progress) progress(model->engines_.size(), files.size());
  }
  for (const PictureVariant& variant : info.variants) {
    AXLE_TRY_ASSIGN(std::unique_ptr<CardEngines> size,
                    CardEngines::create(card, model->engines_, info, variant));
    model->sizes_.push_back(std::move(size));
  }
  model->buffer_bytes_ = buffers_of(info);
  return model;
}

PictureEngines* PictureModel::find(std::int32_t width, std::int32_t height) {
  const auto found = std::ranges::find_if(sizes_, [width, height](const auto& size) {
    return std::cmp_equal(size->shape().width, width) &&
           std::cmp_equal(size->shape().height, height);
  });
  return found == sizes_.end() ? nullptr : found->get();
}

std::uint64_t PictureModel::memory_bytes() const {
  std::uint64_t bytes = buffer_bytes_;
  for (const auto& [path, engine] : engines_) {
    bytes += engine.memory_bytes().value_or(file_bytes(path));
  }
  return bytes;
}

}  // namespace axle::diffusion
