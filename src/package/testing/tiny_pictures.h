#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "base/status.h"

// Tiny picture packages for tests of every room: engines of ordinary ONNX graphs with a few hundred
// weights, which the software card runs in well under a millisecond. The same options always give
// the same bytes.
namespace axle::package::testing {

struct TinyPicturesOptions {
  std::size_t width = 64;
  std::size_t height = 64;
  std::size_t text_width = 8;   // D
  std::size_t time_width = 16;  // E
  bool encoder = true;          // With a VAE encoder.
  std::uint32_t seed = 1;       // Of the weights.
  // As if the vendor had built it: his producer, his name of the time row, tokens without a sign.
  // The software card does not run it.
  bool vendor = false;
};

// The engines and time rows (of 999, 759, 499, 259) of one size, flat in `folder`, which is made:
// text_encoder.axmodel, unet.axmodel, vae_decoder.axmodel, vae_encoder.axmodel, time_rows.npy. The
// predicted noise depends on the latents, the time row and every token; the decoder spreads each
// latent over 8 x 8 pixels; the encoder takes their mean.
Status write_tiny_engines(const std::filesystem::path& folder, const TinyPicturesOptions& options);

// vocab.json and merges.txt in CLIP's format, flat in `folder`: bytes, and the words "cat" and
// "red". The begin token is 516, the end token 517.
Status write_tiny_clip_tokenizer(const std::filesystem::path& folder);

// Both: a whole package of one size.
Status write_tiny_pictures(const std::filesystem::path& folder,
                           const TinyPicturesOptions& options = {});

}  // namespace axle::package::testing
