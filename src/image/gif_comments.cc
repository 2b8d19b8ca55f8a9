#include <algorithm>
#include <utility>

#include "image/containers.h"

namespace axle::image {
namespace {

constexpr std::size_t kScreenBytes = 13;  // Signature and logical screen descriptor.
constexpr std::size_t kImageBytes = 9;    // Image descriptor without its introducer.
constexpr unsigned kExtension = 0x21;
constexpr unsigned kImage = 0x2c;
constexpr unsigned kComment = 0xfe;

// Takes bytes off the front of a file; what is not there reads as 0.
class Cursor {
 public:
  explicit Cursor(Bytes rest) : rest_(rest) {}

  bool at_end() const { return rest_.empty(); }

  unsigned byte() {
    const Bytes one = take(1);
    return one.empty() ? 0 : std::to_integer<unsigned>(one[0]);
  }

  Bytes take(std::size_t count) {
    const Bytes taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

  // A table of colours, where the flags of the descriptor in front of it say that there is one.
  void skip_colours(unsigned flags) {
    if ((flags & 0x80u) != 0) take(std::size_t{3} << ((flags & 7u) + 1));
  }

  // The data of sub-blocks up to the empty one.
  std::string sub_blocks() {
    std::string data;
    while (const unsigned length = byte()) data += as_text(take(length));
    return data;
  }

 private:
  Bytes rest_;
};

}  // namespace

std::vector<std::string> gif_comments(Bytes file) {
  std::vector<std::string> comments;
  Cursor cursor(file);
  const Bytes screen = cursor.take(kScreenBytes);
  if (screen.size() < kScreenBytes) return comments;
  cursor.skip_colours(std::to_integer<unsigned>(screen[10]));
  while (!cursor.at_end()) {
    const unsigned introducer = cursor.byte();
    if (introducer == kExtension) {
      const bool comment = cursor.byte() == kComment;
      std::string data = cursor.sub_blocks();
      if (comment) comments.push_back(std::move(data));
    } else if (introducer == kImage) {
      const Bytes image = cursor.take(kImageBytes);
      if (image.size() < kImageBytes) break;
      cursor.skip_colours(std::to_integer<unsigned>(image[8]));
      cursor.byte();  // Bits of the first codes.
      cursor.sub_blocks();
    } else {
      break;  // The trailer, or nothing that a GIF has.
    }
  }
  return comments;
}

}  // namespace axle::image
