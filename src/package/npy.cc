#include "package/npy.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace axle::package {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kAlignment = 64;  // Of the numbers in the file.
constexpr std::size_t kLargestSide = 1 << 20;

// The text after `'key':` and its spaces; empty where the key is missing.
std::string_view value_of(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) return {};
  std::string_view rest = header.substr(at + key.size() + 3);
  const std::size_t start = rest.find_first_not_of(' ');
  return start == std::string_view::npos ? std::string_view() : rest.substr(start);
}

// "(4, 1280), ..." -> 4, 1280. Nothing where it is not a tuple of numbers.
std::optional<std::vector<std::size_t>> shape_of(std::string_view text) {
  if (!text.starts_with('(')) return std::nullopt;
  text = text.substr(1, text.find(')') - 1);
  std::vector<std::size_t> shape;
  while (!text.empty()) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    shape.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    while (text.starts_with(',') || text.starts_with(' ')) text.remove_prefix(1);
  }
  return shape;
}

struct Header {
  std::string_view text;
  std::size_t data = 0;  // Where the numbers begin.
};

Result<Header> header_of(std::string_view file) {
  if (!file.starts_with(kMagic) || file.size() < 12) {
    return corrupt("it does not begin like a NumPy array (.npy)");
  }
  const auto byte = [file](std::size_t at) {
    return std::size_t{static_cast<unsigned char>(file[at])};
  };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) {
    return unsupported(fmt::format("NumPy file version {}, wanted 1 to 3", version));
  }
  const std::size_t start = version == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > file.size() - start) return corrupt("the header is longer than the file");
  return Header{file.substr(start, length), start + length};
}

}  // namespace

Result<NpyTable> parse_npy(std::span<const std::byte> bytes) {
  const std::string_view file(static_cast<const char*>(static_cast<const void*>(bytes.data())),
                              bytes.size());
  AXLE_TRY_ASSIGN(const Header header, header_of(file));
  const std::string_view type = value_of(header.text, "descr");
  if (!type.starts_with("'<f4'")) {
    return unsupported(fmt::format("its numbers are {}, wanted '<f4' (32-bit floats)",
                                   type.substr(0, type.find(','))));
  }
  if (!value_of(header.text, "fortran_order").starts_with("False")) {
    return unsupported("its numbers are not in C order");
  }
  const std::optional<std::vector<std::size_t>> shape = shape_of(value_of(header.text, "shape"));
  if (!shape) return corrupt("the header has no shape that can be read");
  if (shape->size() != 2) {
    return unsupported(fmt::format("it has {} dimensions, wanted 2", shape->size()));
  }
  NpyTable table{.rows = (*shape)[0], .columns = (*shape)[1], .numbers = {}};
  if (table.rows == 0 || table.columns == 0 || table.rows > kLargestSide ||
      table.columns > kLargestSide) {
    return corrupt(fmt::format("its shape is ({}, {})", table.rows, table.columns));
  }
  const std::size_t wanted = table.rows * table.columns * sizeof(float);
  const std::size_t found = bytes.size() - header.data;
  if (wanted != found) {
    return corrupt(fmt::format("({}, {}) floats take {} bytes, the file has {}", table.rows,
                               table.columns, wanted, found));
  }
  table.numbers.resize(table.rows * table.columns);
  std::memcpy(table.numbers.data(), bytes.data() + header.data, wanted);
  return table;
}

std::string npy_file(const NpyTable& table) {
  std::string header = fmt::format(
      "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", table.rows, table.columns);
  const std::size_t before = kMagic.size() + 4;
  while ((before + header.size() + 1) % kAlignment != 0) header.push_back(' ');
  header.push_back('\n');
  std::string file(kMagic);
  file.append({'\x01', '\x00'});
  file.push_back(static_cast<char>(header.size() & 0xff));
  file.push_back(static_cast<char>(header.size() >> 8));
  file += header;
  const std::size_t start = file.size();
  file.resize(start + table.numbers.size() * sizeof(float));
  std::memcpy(file.data() + start, table.numbers.data(), file.size() - start);
  return file;
}

}  // namespace axle::package
