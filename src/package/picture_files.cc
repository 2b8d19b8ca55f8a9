#include "package/picture_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>

#include "package/locate.h"
#include "package/picture_config.h"
#include "package/picture_package.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEngineEnd = ".axmodel";

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// "512x512", "768x1024".
bool is_size(std::string_view name) {
  const std::size_t at = name.find('x');
  const auto number = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return at != std::string_view::npos && number(name.substr(0, at)) && number(name.substr(at + 1));
}

// Folders of sizes below `folder`: "models", "models_1024x768", "ax620e_models", "512x512".
std::vector<fs::path> size_folders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    const std::string name = entry->path().filename().string();
    const bool named = name.find("models") != std::string::npos || is_size(name);
    if (named && entry->is_directory(ignored)) found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// The engines in `folder` whose names `test` accepts.
template <typename Test>
std::vector<fs::path> engines(const fs::path& folder, const Test& test) {
  std::vector<fs::path> found;
  for (const fs::path& file : list_files(folder, 0)) {
    const std::string name = file.filename().string();
    if (name.ends_with(kEngineEnd) && test(std::string_view(name))) found.push_back(file);
  }
  return found;
}

auto begins(std::string_view start) {
  return [start](std::string_view name) { return name.starts_with(start); };
}

// The one of `found`; nothing where there is none.
// Errors: kCorrupt  several.
Result<std::optional<fs::path>> only(const std::vector<fs::path>& found, std::string_view what) {
  if (found.empty()) return std::optional<fs::path>();
  if (found.size() == 1) return std::optional(found[0]);
  return corrupt(fmt::format("{} holds {} files that may be {}: {} and {}",
                             found[0].parent_path().string(), found.size(), what,
                             found[0].filename().string(), found[1].filename().string()));
}

Result<std::optional<fs::path>> find_unet(const fs::path& folder) {
  return only(engines(folder, begins("unet")), "the U-Net");
}

Result<fs::path> find_text_encoder(const fs::path& own, const fs::path& shared) {
  for (const fs::path& folder : {own, shared}) {
    AXLE_TRY_ASSIGN(const std::optional<fs::path> below,
                    only(engines(folder / "text_encoder", begins("")), "the text encoder"));
    if (below) return *below;
    const auto named = [](std::string_view name) {
      return name.find("text_encoder") != std::string_view::npos;
    };
    AXLE_TRY_ASSIGN(const std::optional<fs::path> beside,
                    only(engines(folder, named), "the text encoder"));
    if (beside) return *beside;
  }
  return not_found(fmt::format("the text encoder is missing: no {} and no *text_encoder*.axmodel",
                               (own / "text_encoder" / "*.axmodel").string()));
}

Result<fs::path> find_vae_decoder(const fs::path& folder) {
  // The first of the vendor's packages had no encoder, and a decoder called "vae".
  for (const char* name : {"vae_decoder", "vae."}) {
    AXLE_TRY_ASSIGN(const std::optional<fs::path> found,
                    only(engines(folder, begins(name)), "the VAE decoder"));
    if (found) return *found;
  }
  return not_found(fmt::format("the VAE decoder is missing: no file {}",
                               (folder / "vae_decoder.axmodel").string()));
}

std::optional<fs::path> first_file(const std::vector<fs::path>& candidates) {
  const auto found = std::find_if(candidates.begin(), candidates.end(), is_file);
  return found == candidates.end() ? std::nullopt : std::optional(*found);
}

Result<PictureVariantFiles> locate_variant(const fs::path& own, const fs::path& shared,
                                           const fs::path& unet) {
  PictureVariantFiles files;
  files.folder = own;
  files.unet = unet;
  AXLE_TRY_ASSIGN(files.text_encoder, find_text_encoder(own, shared));
  AXLE_TRY_ASSIGN(files.vae_decoder, find_vae_decoder(own));
  AXLE_TRY_ASSIGN(files.vae_encoder, only(engines(own, begins("vae_encoder")), "the VAE encoder"));
  std::vector<fs::path> rows;
  std::vector<fs::path> late;
  for (const fs::path& folder : {own, shared}) {
    for (const char* name : {"time_input_txt2img.npy", "time_input.npy", "time_rows.npy"}) {
      rows.push_back(folder / name);
    }
    late.push_back(folder / "time_input_img2img.npy");
  }
  files.time_rows = first_file(rows);
  files.late_time_rows = first_file(late);
  if (!files.time_rows && !files.late_time_rows) {
    return not_found(fmt::format("the time rows are missing: no file {}", rows[0].string()));
  }
  return files;
}

// vocab.json and merges.txt, beside each other.
Status locate_tokenizer(PictureFiles& files) {
  std::vector<fs::path> folders;
  for (const PictureVariantFiles& variant : files.variants) folders.push_back(variant.folder);
  folders.push_back(files.folder);
  folders.push_back(files.folder.parent_path());
  for (const fs::path& folder : folders) {
    for (const fs::path& place : {folder / "tokenizer", folder}) {
      files.vocabulary = place / "vocab.json";
      files.merges = place / "merges.txt";
      if (is_file(files.vocabulary) && is_file(files.merges)) return {};
    }
  }
  return not_found(fmt::format(
      "the tokenizer is missing: no vocab.json and merges.txt in {}, beside it or in {}",
      (folders[0] / "tokenizer").string(), folders.back().string()));
}

}  // namespace

bool looks_like_pictures(const fs::path& folder) {
  if (!engines(folder, begins("unet")).empty()) return true;
  const std::vector<fs::path> below = size_folders(folder);
  return std::any_of(below.begin(), below.end(),
                     [](const fs::path& size) { return !engines(size, begins("unet")).empty(); });
}

Result<PictureFiles> locate_pictures(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) {
    return not_found(fmt::format("no such folder: {}", folder.string()));
  }
  if (!fs::is_directory(status)) {
    return invalid_argument(fmt::format("{} is not a folder", folder.string()));
  }
  PictureFiles files;
  files.folder = fs::absolute(folder, error).lexically_normal();
  if (!files.folder.has_filename()) files.folder = files.folder.parent_path();  // "name/"
  std::vector<fs::path> places = size_folders(files.folder);
  places.insert(places.begin(), files.folder);
  for (const fs::path& place : places) {
    AXLE_TRY_ASSIGN(const std::optional<fs::path> unet, find_unet(place));
    if (!unet) continue;
    AXLE_TRY_ASSIGN(PictureVariantFiles variant, locate_variant(place, files.folder, *unet));
    files.variants.push_back(std::move(variant));
  }
  if (files.variants.empty()) {
    return not_found(fmt::format(
        "{} is not a picture package: it has no unet.axmodel, and no folder below it has one",
        files.folder.string()));
  }
  AXLE_TRY(locate_tokenizer(files));
  files.config = first_file({files.folder / kPictureConfigFile});
  return files;
}

}  // namespace axle::package
