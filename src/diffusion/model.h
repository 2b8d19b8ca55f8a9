#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "diffusion/card_engines.h"
#include "diffusion/engines.h"
#include "package/picture_package.h"

namespace axle::diffusion {

// A picture model on a card, in all its sizes.
//
// Threading: one thread at a time, the engine thread of its card.
// Lifetime: the Card must outlive it. Destroying it frees all card memory it took.
class PictureModel {
 public:
  // Called after each loaded file; `done` of `total` files are on the card.
  using LoadCallback = std::function<void(std::size_t done, std::size_t total)>;

  // Loads `package`. Nothing stays on the card when it fails. `progress` may be empty.
  //
  // Errors: kExhausted  it would not fit: refused before anything is loaded, with the bytes that it
  //                     needs and those that are free; or the card ran out all the same.
  //         otherwise   as card::Engine::load and CardEngines::create.
  static Result<std::unique_ptr<PictureModel>> load(card::Card& card,
                                                    const package::PicturePackage& package,
                                                    const LoadCallback& progress = {});

  PictureModel(const PictureModel&) = delete;
  PictureModel& operator=(const PictureModel&) = delete;

  // Null where it has no such size.
  PictureEngines* find(std::int32_t width, std::int32_t height);

  // Card memory taken by engines and buffers.
  std::uint64_t memory_bytes() const;
  // Card memory that load() takes at its peak, from the files alone.
  static std::uint64_t predicted_bytes(const package::PicturePackage& package);

 private:
  PictureModel() = default;

  LoadedEngines engines_;
  std::vector<std::unique_ptr<CardEngines>> sizes_;  // Use the engines: go first.
  std::uint64_t buffer_bytes_ = 0;
};

}  // namespace axle::diffusion
