#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "jobs/sampling.h"

// Pictures: what the front asks for, and what comes back. Part of jobs/job.h.
namespace axle::jobs {

// Which random numbers a picture is made of: a seed gives the picture that this program gives for
// it.
enum class NoiseOrder : std::uint8_t {
  // AXERA-TECH/sd1.5-lcm.axera, python/launcher.py. From a prompt: single precision. From a
  // picture:
  // single precision for the encoder's noise, half precision for all that follows.
  kVendor,
  // gregm123456/sd1.5-lcm.axera. From a prompt as kVendor. From a picture: the encoder's noise
  // always
  // of seed 0, single precision for all that follows from the seed itself.
  kService,
};

// One picture. All that is needed to paint it again is in here: when a card process dies, the front
// hands the same job to the next one with how far it was in `steps_done` and `latents`.
struct PictureJob {
  std::string model;       // Name of a loaded package.
  std::int32_t width = 0;  // Of a size that the package has.
  std::int32_t height = 0;
  std::vector<TokenId> prompt;    // As the text encoder takes it, with begin, end and padding.
  std::vector<TokenId> negative;  // The same for what the picture is led away from; empty: nothing.
  double guidance = 1.0;  // How far, > 1; of use with `negative` only: each step then costs two.
  std::vector<std::int32_t> timesteps;  // Falling; the package has a time row for each.
  std::uint64_t seed = 0;               // Its low 32 bits count.
  std::uint64_t variation_seed = 0;
  double variation = 0.0;  // 0 to 1: how far the first noise goes to that of `variation_seed`.
  NoiseOrder noise = NoiseOrder::kVendor;
  std::vector<std::uint8_t> image;  // RGB, width x height x 3: what it starts from. Empty: noise.
  std::vector<std::uint8_t>
      mask;                     // Grey, width x height: 128 and more is painted anew. Empty: all.
  bool previews = false;        // Does each step come with a small picture of how it looks?
  std::int32_t priority = 0;    // Higher goes first.
  std::int32_t steps_done = 0;  // Of `timesteps`, by earlier runs.
  std::vector<float> latents;   // After those steps; empty where there are none.

  friend bool operator==(const PictureJob&, const PictureJob&) = default;
};

// A step of a picture is done.
struct PictureStep {
  std::int32_t steps_done = 0;
  std::int32_t steps_total = 0;
  std::vector<float> latents;  // For PictureJob::latents.
  // RGB, about how the picture looks now, one pixel for eight; empty where not asked for.
  std::int32_t preview_width = 0;
  std::int32_t preview_height = 0;
  std::vector<std::uint8_t> preview;

  friend bool operator==(const PictureStep&, const PictureStep&) = default;
};

struct PictureTimings {
  std::chrono::microseconds queued{0};  // Until its first engine ran.
  std::chrono::microseconds text{0};    // Text encoder; 0 where the prompt was known.
  std::chrono::microseconds encode{0};  // VAE encoder; 0 where the picture was known.
  std::chrono::microseconds steps{0};   // U-Net.
  std::chrono::microseconds decode{0};  // VAE decoder.
  friend bool operator==(const PictureTimings&, const PictureTimings&) = default;
};

// The last event of a picture.
struct PictureDone {
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::vector<std::uint8_t> pixels;  // RGB, row by row.
  std::int32_t steps = 0;            // As many as were done.
  bool interrupted = false;          // Ended by Interrupt before its last step.
  PictureTimings timings;
  friend bool operator==(const PictureDone&, const PictureDone&) = default;
};

// Ends the picture of the message's id after the step that runs (its first one at least):
// PictureDone comes with how it looks by then. One that was not begun gives Failed (kCancelled).
// Ignored for other jobs.
struct Interrupt {
  friend bool operator==(const Interrupt&, const Interrupt&) = default;
};

}  // namespace axle::jobs
