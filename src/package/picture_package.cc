#include "package/picture_package.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/file.h"
#include "package/locate.h"
#include "package/package_record.h"
#include "package/picture_config.h"
#include "package/picture_engines.h"
#include "package/picture_files.h"
#include "package/picture_times.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

Result<PictureConfig> read_config(const PictureFiles& files) {
  if (!files.config) return PictureConfig();
  AXLE_TRY_ASSIGN(const std::string text, read_file(*files.config, kMaxConfigBytes));
  Result<PictureConfig> config = parse_picture_config(text);
  if (!config.ok()) return config.status().with_context(files.config->string());
  return config;
}

// Builds a PicturePackageInfo size by size.
class Reader {
 public:
  Reader(const PictureFiles& files, PictureConfig config)
      : files_(files), config_(std::move(config)) {}

  Result<PicturePackageInfo> read() {
    info_.folder = files_.folder;
    info_.name = files_.folder.filename().string();
    info_.model_name = config_.model_name.empty() ? info_.name : config_.model_name;
    info_.preview = config_.preview;
    info_.vocabulary = files_.vocabulary;
    info_.merges = files_.merges;
    AXLE_TRY(check_recorded_sizes(files_.folder));
    for (const PictureVariantFiles& variant : files_.variants) AXLE_TRY(add_variant(variant));
    std::sort(info_.variants.begin(), info_.variants.end(),
              [](const PictureVariant& a, const PictureVariant& b) {
                return std::pair(a.width * a.height, a.width) <
                       std::pair(b.width * b.height, b.width);
              });
    if (!info_.has_weights) info_.notes.emplace_back(kNoWeightsNote);
    add_sizes();
    return std::move(info_);
  }

 private:
  Status add_variant(const PictureVariantFiles& files) {
    AXLE_TRY_ASSIGN(PictureEngines engines, read_picture_engines(files));
    std::vector<std::string> notes;
    AXLE_TRY_ASSIGN(TimeRows rows, read_time_rows(files, config_, engines.time_width, notes));
    for (std::string& note : notes) info_.notes.push_back(std::move(note));
    if (!engines.variant.vae_encoder) {
      info_.notes.push_back(
          fmt::format("{} has no VAE encoder: pictures of that size cannot "
                      "start from a picture",
                      engines.variant.id));
    }
    if (info_.variants.empty()) {
      take_first(engines, std::move(rows));
    } else {
      AXLE_TRY(check_same(files, engines, rows));
    }
    info_.has_weights = info_.has_weights && engines.has_weights;
    info_.variants.push_back(std::move(engines.variant));
    return {};
  }

  void take_first(const PictureEngines& engines, TimeRows rows) {
    info_.producer = engines.producer;
    info_.toolchain = engines.toolchain;
    info_.text_length = engines.text_length;
    info_.text_width = engines.text_width;
    info_.time_width = engines.time_width;
    info_.time_rows = std::move(rows);
  }

  // Errors: kCorrupt unless a further size belongs to the model of the first.
  Status check_same(const PictureVariantFiles& files, const PictureEngines& engines,
                    const TimeRows& rows) const {
    const std::string folder = files.folder.string();
    if (info_.find_variant(engines.variant.width, engines.variant.height) != nullptr) {
      return corrupt(fmt::format("{}: a second model for {}", folder, engines.variant.id));
    }
    if (engines.producer != info_.producer) {
      return corrupt(fmt::format("{}: built by {}, the first size by {}", folder, engines.toolchain,
                                 info_.toolchain));
    }
    if (engines.text_length != info_.text_length || engines.text_width != info_.text_width ||
        engines.time_width != info_.time_width) {
      return corrupt(
          fmt::format("{}: texts of {} x {} and time rows of {}, the first size has {} x {} and {}",
                      folder, engines.text_length, engines.text_width, engines.time_width,
                      info_.text_length, info_.text_width, info_.time_width));
    }
    if (!same_rows(rows, info_.time_rows)) {
      return corrupt(fmt::format("{}: its time rows are not those of the first size", folder));
    }
    return {};
  }

  void add_sizes() {
    std::set<fs::path> files = {info_.vocabulary, info_.merges};
    for (const PictureVariant& variant : info_.variants) {
      files.insert({variant.text_encoder, variant.unet, variant.vae_decoder});
      if (variant.vae_encoder) files.insert(*variant.vae_encoder);
    }
    for (const fs::path& file : files) info_.size_bytes += size_of(file);
  }

  const PictureFiles& files_;
  PictureConfig config_;
  PicturePackageInfo info_;
};

}  // namespace

const PictureVariant* PicturePackageInfo::find_variant(std::size_t width,
                                                       std::size_t height) const {
  const auto found =
      std::find_if(variants.begin(), variants.end(), [&](const PictureVariant& variant) {
        return variant.width == width && variant.height == height;
      });
  return found == variants.end() ? nullptr : &*found;
}

PicturePackage::PicturePackage(PicturePackageInfo info)
    : info_(std::make_shared<const PicturePackageInfo>(std::move(info))) {}

Result<PicturePackage> PicturePackage::open(const fs::path& folder) {
  AXLE_TRY_ASSIGN(const PictureFiles files, locate_pictures(folder));
  AXLE_TRY_ASSIGN(PictureConfig config, read_config(files));
  AXLE_TRY_ASSIGN(PicturePackageInfo info, Reader(files, std::move(config)).read());
  return PicturePackage(std::move(info));
}

Status PicturePackage::verify() const { return check_recorded_hashes(info_->folder); }

}  // namespace axle::package
