#pragma once

#include <optional>
#include <string_view>

#include "api/automatic1111/paint_plan.h"
#include "api/automatic1111/request.h"
#include "image/picture.h"
#include "pictures/output.h"

namespace axle::api::automatic1111 {

// What an Accept header asks for in place of JSON: the bytes of the first picture.
struct DirectAnswer {
  // Nothing: any kind of picture file.
  std::optional<pictures::Form> form;
};
// The first type of the list that is known decides; nothing: JSON. "application/octet-stream" is
// the RGB565 of small displays, "image/png", "image/jpeg", "image/webp" and "image/*" are files.
std::optional<DirectAnswer> direct_answer(std::string_view accept);

// How the pictures of an answer are handed out.
struct Delivery {
  bool direct = false;  // The bytes of the first picture are the answer.
  pictures::Output output;
};

// A side up to this is taken for that of a display: RGB565 for one then has just this size.
inline constexpr int kMaxDisplaySide = 480;

// What holds where the request says nothing.
struct DeliveryDefaults {
  pictures::Form form = pictures::Form::kPng;  // That of options.
  image::Size display{240, 240};               // Of displays that ask for no size of their own.
};

Delivery delivery_of(const Request& request, const PaintPlan& plan, std::string_view accept,
                     const DeliveryDefaults& defaults);

}  // namespace axle::api::automatic1111
