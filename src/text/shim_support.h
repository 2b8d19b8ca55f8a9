#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/shim.h"

// What the C++ side of shim.h needs everywhere: owned results, borrowed text, codes as Status.
namespace axle::text::shim {

// axt_init, once for the process.
void init();

inline AxtText borrow(std::string_view text) { return {text.data(), text.size()}; }

// The Status for `code`, with `error` as its message.
Status to_status(AxtCode code, std::string_view error);

// An AxtBuffer that frees itself.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { axt_buffer_free(&buffer_); }

  AxtBuffer* get() { return &buffer_; }
  std::string text() const { return std::string(view()); }
  std::string_view view() const {
    return buffer_.len == 0 ? std::string_view() : std::string_view(buffer_.data, buffer_.len);
  }

 private:
  AxtBuffer buffer_ = {};
};

// An AxtIds that frees itself.
class Ids {
 public:
  Ids() = default;
  Ids(const Ids&) = delete;
  Ids& operator=(const Ids&) = delete;
  ~Ids() { axt_ids_free(&ids_); }

  AxtIds* get() { return &ids_; }
  std::vector<std::int32_t> values() const {
    if (ids_.len == 0) return {};
    return {ids_.data, ids_.data + ids_.len};
  }

 private:
  AxtIds ids_ = {};
};

// Makes a call that takes a buffer for the reason of its failure.
template <typename Call>
Status check(const Call& call) {
  Buffer error;
  const AxtCode code = call(error.get());
  return code == AXT_OK ? Status() : to_status(code, error.view());
}

}  // namespace axle::text::shim
