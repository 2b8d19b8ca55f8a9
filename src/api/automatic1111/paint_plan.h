#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/automatic1111/request.h"
#include "base/result.h"
#include "pictures/order.h"
#include "pictures/served_pictures.h"

// From what a client asks for to what a model has: pure functions.
namespace axle::api::automatic1111 {

// What is painted for a request.
struct PaintPlan {
  pictures::Order order;  // Without its pictures; order_of() has them.
  bool from_picture = false;
  std::vector<std::string> notes;  // Of the request and of what was replaced here.
};

// Seeds for a request that asks for any; below 2^32 each.
struct AnySeeds {
  std::uint64_t seed = 0;
  std::uint64_t variation_seed = 0;
};

// What `model` paints for `request`: the nearest of what it has, every difference noted.
PaintPlan plan_painting(const Request& request, const pictures::ServedPictures& model,
                        const AnySeeds& any);

// The order of a plan with the pictures of its request: what it begins with, its mask, and what the
// finished picture keeps around that.
//
// Errors: kCorrupt    a file that is no picture ("Invalid encoded image").
//         kExhausted  no memory.
Result<pictures::Order> order_of(const Request& request, const PaintPlan& plan,
                                 const pictures::SourceRules& sources);

}  // namespace axle::api::automatic1111
