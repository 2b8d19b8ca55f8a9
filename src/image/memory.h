#pragma once

#include <new>
#include <utility>

#include "base/result.h"

// Private to this room.
namespace axle::image {

// What `work`, a function that gives a Result, gives; kExhausted where memory ends in it.
template <typename Work>
auto or_exhausted(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return exhausted("no memory for a picture and what it takes to work on it");
  }
}

}  // namespace axle::image
