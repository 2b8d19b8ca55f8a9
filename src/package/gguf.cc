#include "package/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace axle::package {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF is read in place");

constexpr std::uint32_t kMagic = 0x46554747;         // "GGUF"
constexpr std::uint32_t kMagicSwapped = 0x47475546;  // "GGUF" in a big-endian file
constexpr std::uint64_t kMinEntryBytes = 13;         // Empty key, type, one byte.
constexpr std::uint64_t kMinTensorBytes = 32;        // Empty name, count, one dim, type, offset.
constexpr std::uint64_t kMaxKeyBytes = 65535;        // GGUF specification.
constexpr std::uint32_t kMaxDims = 4;                // GGML_MAX_DIMS

// Bytes of one element; 0 for strings, arrays and unknown types.
std::size_t scalar_bytes(GgufType type) {
  switch (type) {
    case GgufType::kUint8:
    case GgufType::kInt8:
    case GgufType::kBool:
      return 1;
    case GgufType::kUint16:
    case GgufType::kInt16:
      return 2;
    case GgufType::kUint32:
    case GgufType::kInt32:
    case GgufType::kFloat32:
      return 4;
    case GgufType::kUint64:
    case GgufType::kInt64:
    case GgufType::kFloat64:
      return 8;
    case GgufType::kString:
    case GgufType::kArray:
      return 0;
  }
  return 0;
}

template <typename T>
T load(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// A value of a scalar type other than bool.
GgufValue scalar_value(GgufType type, std::span<const std::byte> bytes) {
  switch (type) {
    case GgufType::kUint8:
      return std::uint64_t{load<std::uint8_t>(bytes)};
    case GgufType::kUint16:
      return std::uint64_t{load<std::uint16_t>(bytes)};
    case GgufType::kUint32:
      return std::uint64_t{load<std::uint32_t>(bytes)};
    case GgufType::kInt8:
      return std::int64_t{load<std::int8_t>(bytes)};
    case GgufType::kInt16:
      return std::int64_t{load<std::int16_t>(bytes)};
    case GgufType::kInt32:
      return std::int64_t{load<std::int32_t>(bytes)};
    case GgufType::kInt64:
      return load<std::int64_t>(bytes);
    case GgufType::kFloat32:
      return double{load<float>(bytes)};
    case GgufType::kFloat64:
      return load<double>(bytes);
    default:
      return load<std::uint64_t>(bytes);
  }
}

// Walks the description. Knows the difference between the end of what it was given and the end of
// the file.
class Cursor {
 public:
  Cursor(std::span<const std::byte> head, std::uint64_t file_bytes)
      : head_(head), file_bytes_(file_bytes) {}

  std::uint64_t position() const { return position_; }
  std::uint64_t left_in_file() const { return file_bytes_ - position_; }

  Result<std::span<const std::byte>> take(std::uint64_t count, std::string_view what) {
    if (count > left_in_file()) {
      return corrupt(fmt::format("the file ends in {} at offset {}: {} bytes wanted, {} left", what,
                                 position_, count, left_in_file()));
    }
    if (count > head_.size() - position_) {
      return exhausted(fmt::format("the description goes on beyond byte {}", head_.size()));
    }
    const auto taken = head_.subspan(position_, static_cast<std::size_t>(count));
    position_ += static_cast<std::size_t>(count);
    return taken;
  }

  template <typename T>
  Result<T> number(std::string_view what) {
    AXLE_TRY_ASSIGN(const std::span<const std::byte> bytes, take(sizeof(T), what));
    return load<T>(bytes);
  }

  Result<std::string_view> string(std::string_view what) {
    AXLE_TRY_ASSIGN(const std::uint64_t length, number<std::uint64_t>(what));
    AXLE_TRY_ASSIGN(const std::span<const std::byte> bytes, take(length, what));
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

 private:
  std::span<const std::byte> head_;
  std::uint64_t file_bytes_;
  std::size_t position_ = 0;
};

struct Header {
  std::uint32_t version = 0;
  std::uint64_t tensors = 0;
  std::uint64_t entries = 0;
};

Result<Header> read_header(Cursor& cursor) {
  Header header;
  AXLE_TRY_ASSIGN(const std::uint32_t magic, cursor.number<std::uint32_t>("the header"));
  if (magic == kMagicSwapped) return unsupported("the file is a big-endian GGUF file");
  if (magic != kMagic) {
    return corrupt(
        fmt::format("not a GGUF file: it begins with 0x{:08x} instead of \"GGUF\"", magic));
  }
  AXLE_TRY_ASSIGN(header.version, cursor.number<std::uint32_t>("the header"));
  if (header.version != 2 && header.version != 3) {
    const bool swapped = (header.version & 0xffffu) == 0;
    return unsupported(fmt::format("GGUF version {}{}; versions 2 and 3 are known", header.version,
                                   swapped ? " (a big-endian file)" : ""));
  }
  AXLE_TRY_ASSIGN(header.tensors, cursor.number<std::uint64_t>("the header"));
  AXLE_TRY_ASSIGN(header.entries, cursor.number<std::uint64_t>("the header"));
  if (header.tensors > cursor.left_in_file() / kMinTensorBytes) {
    return corrupt(
        fmt::format("the header at offset 8 counts {} tensors, {} bytes cannot hold them",
                    header.tensors, cursor.left_in_file()));
  }
  if (header.entries > cursor.left_in_file() / kMinEntryBytes) {
    return corrupt(fmt::format("the header at offset 16 counts {} keys, {} bytes cannot hold them",
                               header.entries, cursor.left_in_file()));
  }
  return header;
}

Result<GgufType> read_type(Cursor& cursor, std::string_view key) {
  const std::uint64_t at = cursor.position();
  AXLE_TRY_ASSIGN(const std::uint32_t number, cursor.number<std::uint32_t>(key));
  if (number > static_cast<std::uint32_t>(GgufType::kFloat64)) {
    return unsupported(
        fmt::format("value type {} of key '{}' at offset {} is not known", number, key, at));
  }
  return static_cast<GgufType>(number);
}

Result<bool> read_bool(Cursor& cursor, std::string_view key) {
  const std::uint64_t at = cursor.position();
  AXLE_TRY_ASSIGN(const std::uint8_t byte, cursor.number<std::uint8_t>(key));
  if (byte > 1) {
    return corrupt(
        fmt::format("key '{}' at offset {} is a bool of value {}, wanted 0 or 1", key, at, byte));
  }
  return byte == 1;
}

Result<GgufArray> read_array(Cursor& cursor, std::string_view key) {
  GgufArray array;
  AXLE_TRY_ASSIGN(array.element, read_type(cursor, key));
  AXLE_TRY_ASSIGN(array.count, cursor.number<std::uint64_t>(key));
  if (array.element == GgufType::kArray) {
    return unsupported(fmt::format("key '{}' is an array of arrays", key));
  }
  const bool strings = array.element == GgufType::kString;
  const std::size_t element_bytes = strings ? sizeof(std::uint64_t) : scalar_bytes(array.element);
  if (array.count > cursor.left_in_file() / element_bytes) {
    return corrupt(fmt::format("array '{}' at offset {} counts {} elements, {} bytes are left", key,
                               cursor.position(), array.count, cursor.left_in_file()));
  }
  if (!strings) {
    AXLE_TRY_ASSIGN(array.bytes, cursor.take(array.count * element_bytes, key));
    return array;
  }
  Cursor end = cursor;
  for (std::uint64_t i = 0; i < array.count; ++i) AXLE_TRY(end.string(key).status());
  AXLE_TRY_ASSIGN(array.bytes, cursor.take(end.position() - cursor.position(), key));
  return array;
}

Result<GgufValue> read_value(Cursor& cursor, GgufType type, std::string_view key) {
  if (type == GgufType::kBool) {
    AXLE_TRY_ASSIGN(const bool value, read_bool(cursor, key));
    return GgufValue(value);
  }
  if (type == GgufType::kString) {
    AXLE_TRY_ASSIGN(const std::string_view value, cursor.string(key));
    return GgufValue(value);
  }
  if (type == GgufType::kArray) {
    AXLE_TRY_ASSIGN(const GgufArray value, read_array(cursor, key));
    return GgufValue(value);
  }
  AXLE_TRY_ASSIGN(const std::span<const std::byte> bytes, cursor.take(scalar_bytes(type), key));
  return scalar_value(type, bytes);
}

Result<std::vector<GgufEntry>> read_entries(Cursor& cursor, std::uint64_t count) {
  std::vector<GgufEntry> entries;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t at = cursor.position();
    GgufEntry entry;
    AXLE_TRY_ASSIGN(entry.key, cursor.string("a key"));
    if (entry.key.empty() || entry.key.size() > kMaxKeyBytes) {
      return corrupt(fmt::format("the key at offset {} has {} bytes, wanted 1 to {}", at,
                                 entry.key.size(), kMaxKeyBytes));
    }
    AXLE_TRY_ASSIGN(entry.type, read_type(cursor, entry.key));
    AXLE_TRY_ASSIGN(entry.value, read_value(cursor, entry.type, entry.key));
    entries.push_back(entry);
  }
  std::sort(entries.begin(), entries.end(),
            [](const GgufEntry& a, const GgufEntry& b) { return a.key < b.key; });
  const auto twin =
      std::adjacent_find(entries.begin(), entries.end(),
                         [](const GgufEntry& a, const GgufEntry& b) { return a.key == b.key; });
  if (twin != entries.end()) return corrupt(fmt::format("key '{}' appears twice", twin->key));
  return entries;
}

// Number of elements. Errors: kCorrupt when a dimension is 0 or the product exceeds 63 bits.
Result<std::uint64_t> element_count(const GgufTensor& tensor) {
  constexpr std::uint64_t kLimit = std::numeric_limits<std::int64_t>::max();
  std::uint64_t count = 1;
  for (const std::uint64_t dim : tensor.dims) {
    if (dim == 0 || dim > kLimit / count) {
      return corrupt(fmt::format("tensor '{}' has an impossible shape [{}]", tensor.name,
                                 fmt::join(tensor.dims, ", ")));
    }
    count *= dim;
  }
  return count;
}

// Works out size_bytes. Errors: kCorrupt for a shape that does not fit the format.
Status measure_tensor(GgufTensor& tensor) {
  AXLE_TRY_ASSIGN(const std::uint64_t elements, element_count(tensor));
  const GgmlFormat& format = *tensor.format;
  if (tensor.row_elements() % format.block_elements != 0) {
    return corrupt(fmt::format("tensor '{}' is {} with rows of {}, wanted a multiple of {}",
                               tensor.name, format.name, tensor.row_elements(),
                               format.block_elements));
  }
  const std::uint64_t blocks = elements / format.block_elements;
  if (blocks > std::uint64_t{std::numeric_limits<std::int64_t>::max()} / format.block_bytes) {
    return corrupt(fmt::format("tensor '{}' has an impossible shape [{}]", tensor.name,
                               fmt::join(tensor.dims, ", ")));
  }
  tensor.size_bytes = blocks * format.block_bytes;
  return {};
}

Result<GgufTensor> read_tensor(Cursor& cursor) {
  GgufTensor tensor;
  AXLE_TRY_ASSIGN(tensor.name, cursor.string("a tensor name"));
  const std::uint64_t at = cursor.position();
  AXLE_TRY_ASSIGN(const std::uint32_t dims, cursor.number<std::uint32_t>(tensor.name));
  if (dims == 0 || dims > kMaxDims) {
    return corrupt(fmt::format("tensor '{}' at offset {} has {} dimensions, wanted 1 to {}",
                               tensor.name, at, dims, kMaxDims));
  }
  for (std::uint32_t i = 0; i < dims; ++i) {
    AXLE_TRY_ASSIGN(const std::uint64_t dim, cursor.number<std::uint64_t>(tensor.name));
    tensor.dims.push_back(dim);
  }
  AXLE_TRY_ASSIGN(const std::uint32_t type, cursor.number<std::uint32_t>(tensor.name));
  tensor.format = find_ggml_format(type);
  if (tensor.format == nullptr) {
    return unsupported(
        fmt::format("tensor '{}' has the unknown type number {}", tensor.name, type));
  }
  AXLE_TRY(measure_tensor(tensor));
  AXLE_TRY_ASSIGN(tensor.offset, cursor.number<std::uint64_t>(tensor.name));
  return tensor;
}

// Turns offsets into file offsets and checks that the data are there.
Status place_tensor(GgufTensor& tensor, const Gguf& gguf, std::uint64_t file_bytes) {
  if (tensor.offset % gguf.alignment() != 0) {
    return corrupt(fmt::format("tensor '{}' begins at {}, wanted a multiple of {}", tensor.name,
                               tensor.offset, gguf.alignment()));
  }
  const std::uint64_t data_bytes =
      file_bytes > gguf.data_offset() ? file_bytes - gguf.data_offset() : 0;
  if (tensor.offset > data_bytes || tensor.size_bytes > data_bytes - tensor.offset) {
    return corrupt(
        fmt::format("the file is cut short: tensor '{}' takes {} bytes from {} of the tensor data, "
                    "which are only {} bytes",
                    tensor.name, tensor.size_bytes, tensor.offset, data_bytes));
  }
  tensor.offset += gguf.data_offset();
  return {};
}

Result<std::uint64_t> read_alignment(const Gguf& gguf) {
  AXLE_TRY_ASSIGN(const std::optional<std::uint64_t> wanted,
                  gguf.get_unsigned("general.alignment"));
  if (!wanted) return gguf.alignment();
  constexpr std::uint64_t kLargest = std::uint64_t{1} << 30;
  if (!std::has_single_bit(*wanted) || *wanted > kLargest) {
    return corrupt(
        fmt::format("general.alignment is {}, wanted a power of two up to {}", *wanted, kLargest));
  }
  return *wanted;
}

Status wrong_type(std::string_view key, std::string_view wanted, GgufType found) {
  return corrupt(fmt::format("key '{}' has value type {}, wanted {}", key,
                             static_cast<std::uint32_t>(found), wanted));
}

}  // namespace

std::uint64_t GgufTensor::rows() const {
  std::uint64_t count = 1;
  for (std::size_t i = 1; i < dims.size(); ++i) count *= dims[i];
  return count;
}

Result<Gguf> Gguf::parse(std::span<const std::byte> head, std::uint64_t file_bytes) {
  AXLE_CHECK(head.size() <= file_bytes);
  Cursor cursor(head, file_bytes);
  AXLE_TRY_ASSIGN(const Header header, read_header(cursor));
  Gguf gguf;
  gguf.version_ = header.version;
  AXLE_TRY_ASSIGN(gguf.entries_, read_entries(cursor, header.entries));
  AXLE_TRY_ASSIGN(gguf.alignment_, read_alignment(gguf));
  for (std::uint64_t i = 0; i < header.tensors; ++i) {
    AXLE_TRY_ASSIGN(GgufTensor tensor, read_tensor(cursor));
    gguf.tensors_.push_back(std::move(tensor));
  }
  gguf.data_offset_ = (cursor.position() + gguf.alignment_ - 1) / gguf.alignment_ * gguf.alignment_;
  for (GgufTensor& tensor : gguf.tensors_) AXLE_TRY(place_tensor(tensor, gguf, file_bytes));

  gguf.by_name_.resize(gguf.tensors_.size());
  std::iota(gguf.by_name_.begin(), gguf.by_name_.end(), std::size_t{0});
  const auto name = [&gguf](std::size_t i) { return gguf.tensors_[i].name; };
  std::sort(gguf.by_name_.begin(), gguf.by_name_.end(),
            [&name](std::size_t a, std::size_t b) { return name(a) < name(b); });
  const auto twin =
      std::adjacent_find(gguf.by_name_.begin(), gguf.by_name_.end(),
                         [&name](std::size_t a, std::size_t b) { return name(a) == name(b); });
  if (twin != gguf.by_name_.end()) {
    return corrupt(fmt::format("tensor '{}' appears twice", name(*twin)));
  }
  return gguf;
}

const GgufEntry* Gguf::find(std::string_view key) const {
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), key,
      [](const GgufEntry& entry, std::string_view wanted) { return entry.key < wanted; });
  return found != entries_.end() && found->key == key ? &*found : nullptr;
}

const GgufTensor* Gguf::find_tensor(std::string_view name) const {
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [this](std::size_t i, std::string_view wanted) { return tensors_[i].name < wanted; });
  return found != by_name_.end() && tensors_[*found].name == name ? &tensors_[*found] : nullptr;
}

Result<std::optional<std::uint64_t>> Gguf::get_unsigned(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::optional<std::uint64_t>();
  if (const auto* value = std::get_if<std::uint64_t>(&entry->value)) return std::optional(*value);
  const auto* value = std::get_if<std::int64_t>(&entry->value);
  if (value == nullptr) return wrong_type(key, "a whole number", entry->type);
  if (*value < 0) {
    return corrupt(fmt::format("key '{}' is {}, wanted a number not below 0", key, *value));
  }
  return std::optional(static_cast<std::uint64_t>(*value));
}

Result<std::optional<double>> Gguf::get_float(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::optional<double>();
  if (const auto* value = std::get_if<double>(&entry->value)) return std::optional(*value);
  if (const auto* value = std::get_if<std::int64_t>(&entry->value)) {
    return std::optional(static_cast<double>(*value));
  }
  if (const auto* value = std::get_if<std::uint64_t>(&entry->value)) {
    return std::optional(static_cast<double>(*value));
  }
  return wrong_type(key, "a number", entry->type);
}

Result<std::optional<bool>> Gguf::get_bool(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::optional<bool>();
  const auto* value = std::get_if<bool>(&entry->value);
  if (value == nullptr) return wrong_type(key, "a bool", entry->type);
  return std::optional(*value);
}

Result<std::optional<std::string_view>> Gguf::get_string(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::optional<std::string_view>();
  const auto* value = std::get_if<std::string_view>(&entry->value);
  if (value == nullptr) return wrong_type(key, "a string", entry->type);
  return std::optional(*value);
}

Result<std::optional<std::vector<std::string_view>>> Gguf::get_strings(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return std::optional<std::vector<std::string_view>>();
  const auto* array = std::get_if<GgufArray>(&entry->value);
  if (array == nullptr || array->element != GgufType::kString) {
    return wrong_type(key, "an array of strings", entry->type);
  }
  std::vector<std::string_view> strings;
  strings.reserve(static_cast<std::size_t>(array->count));  // Checked against the bytes there.
  Cursor cursor(array->bytes, array->bytes.size());
  for (std::uint64_t i = 0; i < array->count; ++i) {
    AXLE_TRY_ASSIGN(const std::string_view text, cursor.string(key));
    strings.push_back(text);
  }
  return std::optional(std::move(strings));
}

namespace {

// The elements of an array whose element type is one of `types`, all as wide as T.
template <typename T>
Result<std::optional<std::vector<T>>> numbers_of(const GgufEntry* entry,
                                                 std::initializer_list<GgufType> types,
                                                 std::string_view wanted) {
  if (entry == nullptr) return std::optional<std::vector<T>>();
  const auto* array = std::get_if<GgufArray>(&entry->value);
  if (array == nullptr || std::find(types.begin(), types.end(), array->element) == types.end()) {
    return wrong_type(entry->key, wanted, entry->type);
  }
  std::vector<T> numbers(static_cast<std::size_t>(array->count));
  if (!numbers.empty()) std::memcpy(numbers.data(), array->bytes.data(), array->bytes.size());
  return std::optional(std::move(numbers));
}

}  // namespace

Result<std::optional<std::vector<std::int32_t>>> Gguf::get_int32s(std::string_view key) const {
  return numbers_of<std::int32_t>(find(key), {GgufType::kInt32, GgufType::kUint32},
                                  "an array of 32-bit whole numbers");
}

Result<std::optional<std::vector<float>>> Gguf::get_floats(std::string_view key) const {
  return numbers_of<float>(find(key), {GgufType::kFloat32}, "an array of 32-bit floats");
}

}  // namespace axle::package
