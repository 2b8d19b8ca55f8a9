#include "pictures/served_pictures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "diffusion/schedule.h"
#include "package/checksum.h"

namespace axle::pictures {
namespace {

// A vocabulary of CLIP has 1 MB.
constexpr std::size_t kMaxTokenizerBytes = std::size_t{64} << 20;

std::vector<std::int32_t> timesteps_of(const package::TimeRows& rows) {
  std::vector<std::int32_t> timesteps;
  for (const auto& [timestep, row] : rows) timesteps.push_back(timestep);
  return timesteps;
}

bool can_begin(const package::PictureVariant& variant, Start start) {
  return start == Start::kNoise || variant.vae_encoder.has_value();
}

}  // namespace

Result<std::shared_ptr<const ServedPictures>> ServedPictures::load(const std::string& name,
                                                                   const std::string& folder) {
  AXLE_TRY_ASSIGN(const package::PicturePackage opened, package::PicturePackage::open(folder));
  const package::PicturePackageInfo& info = opened.info();
  AXLE_TRY_ASSIGN(const std::string vocabulary, read_file(info.vocabulary, kMaxTokenizerBytes));
  AXLE_TRY_ASSIGN(const std::string merges, read_file(info.merges, kMaxTokenizerBytes));
  AXLE_TRY_ASSIGN(text::ClipTokenizer tokenizer,
                  text::ClipTokenizer::from_files(vocabulary, merges));
  const std::vector<std::int32_t> timesteps = timesteps_of(info.time_rows);
  std::vector<std::int32_t> counts = diffusion::step_counts(timesteps);
  if (counts.empty())
    return unsupported(fmt::format(
        "{}: its time rows are those of {}; wanted those of a run of 1 to 50 LCM steps, e.g. 999",
        folder, fmt::join(timesteps, ", ")));
  return std::make_shared<const ServedPictures>(ServedPictures{
      name, package::recorded_sha256(info.folder), info, std::move(tokenizer), std::move(counts)});
}

bool ServedPictures::begins_with(Start start) const {
  return std::ranges::any_of(package.variants,
                             [start](const auto& variant) { return can_begin(variant, start); });
}

const package::PictureVariant& ServedPictures::nearest_size(image::Size wanted, Start start) const {
  AXLE_CHECK(begins_with(start));
  const double width = std::max(wanted.width, 1);
  const double height = std::max(wanted.height, 1);
  // Proportions and areas are compared by their ratio: twice as wide is as far as half as wide.
  const auto distance = [width, height, start](const package::PictureVariant& variant) {
    const auto has_width = static_cast<double>(variant.width);
    const auto has_height = static_cast<double>(variant.height);
    const double proportions = std::abs(std::log(has_width / has_height * height / width));
    const double areas = std::abs(std::log(has_width * has_height / (width * height)));
    return std::tuple(!can_begin(variant, start), std::round(proportions * 1e6), areas);
  };
  return *std::ranges::min_element(package.variants, {}, distance);
}

std::int32_t ServedPictures::nearest_steps(std::int32_t wanted) const {
  const auto distance = [wanted](std::int32_t steps) {
    return std::pair(std::abs(std::int64_t{steps} - wanted), -steps);
  };
  return *std::ranges::min_element(step_counts, {}, distance);
}

}  // namespace axle::pictures
