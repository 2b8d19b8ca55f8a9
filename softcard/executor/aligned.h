#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>

namespace axle::softcard {

struct FreeDeleter {
  void operator()(void* block) const { std::free(block); }
};

// `count` elements at a multiple of 64 bytes, all bits zero. Threading: a value.
template <typename T>
class AlignedArray {
 public:
  AlignedArray() = default;
  // Throws std::bad_alloc.
  explicit AlignedArray(std::size_t count) : count_(count) {
    const std::size_t bytes = (count * sizeof(T) + 127) / 64 * 64;
    data_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
    if (!data_) throw std::bad_alloc();
    std::memset(static_cast<void*>(data_.get()), 0, bytes);
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size_bytes() const { return count_ * sizeof(T); }

 private:
  std::unique_ptr<T, FreeDeleter> data_;
  std::size_t count_ = 0;
};

}  // namespace axle::softcard
