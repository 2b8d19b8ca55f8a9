#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/result.h"
#include "diffusion/engines.h"
#include "diffusion/noise.h"
#include "jobs/picture.h"

namespace axle::diffusion {

// What a VAE encoder made of the pictures that were started from lately: one picture is often
// painted over with several prompts.
//
// Threading: none.
class EncodedPictures {
 public:
  // Null where it is not known. Valid until the next keep().
  const std::vector<float>* find(std::span<const std::uint8_t> rgb);
  void keep(std::vector<std::uint8_t> rgb, std::vector<float> moments);

 private:
  struct Entry {
    std::vector<std::uint8_t> rgb;
    std::vector<float> moments;
  };
  std::deque<Entry> entries_;  // The latest first.
};

// What the next run of an engine is for.
enum class Unit : std::uint8_t { kText, kEncode, kStep, kDecode, kNone };

// Can `job` be painted with these engines?
// Errors: kInvalidArgument  which field, wanted and found. kUnsupported  a picture to start from
// without an encoder.
Status check_picture(const jobs::PictureJob& job, const PictureEngines& engines);

// One picture, engine run by engine run. What it gives depends on the job alone: not on other
// pictures, on what was cached, or on whether an earlier run did its first steps.
//
// Threading: one thread at a time.
// Lifetime: engines and encoded pictures outlive it.
// Source: AXERA-TECH/sd1.5-lcm.axera, launcher.py; Luo et al. 2023.
class Painting {
 public:
  // REQUIRES: check_picture(job, engines).
  Painting(jobs::PictureJob job, PictureEngines& engines, EncodedPictures& encoded);

  const jobs::PictureJob& job() const { return job_; }

  Unit next() const;
  // Runs one engine. REQUIRES: next() != kNone.
  // Errors: those of the card; kUnavailable  an engine gave numbers that are not finite.
  Status run();

  // Steps done, those of earlier runs included, and how many there are.
  std::size_t steps_done() const { return steps_done_; }
  std::size_t steps_total() const { return job_.timesteps.size(); }
  // After a step: what to go on from, and how the picture looks by then.
  std::span<const float> latents() const { return latents_; }
  std::span<const float> picture_latents() const { return picture_; }

  // No step after the one that is next; there is at least one in this run.
  void interrupt() { interrupted_ = true; }
  bool interrupted() const { return interrupted_ && steps_done_ < steps_total(); }

  // RGB bytes. REQUIRES: next() == kNone.
  std::vector<std::uint8_t> take_pixels() { return std::move(pixels_); }

 private:
  bool starts_from_picture() const { return !job_.image.empty(); }
  bool guided() const { return !job_.negative.empty(); }
  bool wants_encoding() const;
  bool steps_are_over() const;
  void draw_first();
  void draw(std::span<float> values);
  Status run_text();
  Status run_encode();
  Status run_step();
  Status run_decode();
  Status predict(std::span<const jobs::TokenId> prompt, std::vector<float>& noise);
  void start_from(std::span<const float> moments);
  void finish_step(std::span<const float> noise);

  jobs::PictureJob job_;
  PictureEngines& engines_;
  EncodedPictures& encoded_;
  TorchRandom random_;
  std::size_t steps_done_ = 0;
  bool interrupted_ = false;
  std::vector<float> encoder_noise_;  // Of the posterior; for pictures to start from.
  std::vector<float> first_noise_;
  std::vector<float> clean_;    // Of the picture that is started from, as the U-Net has it.
  std::vector<float> mask_;     // Of each point; empty: all anew.
  std::vector<float> latents_;  // Before the next step.
  std::vector<float> picture_;  // What the last step thinks of the clean picture.
  std::vector<float>
      conditional_;  // Noise by the prompt, while that by the negative one is missing.
  std::vector<std::uint8_t> pixels_;
  bool decoded_ = false;
};

}  // namespace axle::diffusion
