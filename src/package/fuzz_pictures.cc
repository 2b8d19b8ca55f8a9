#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/check.h"
#include "package/npy.h"
#include "package/picture_config.h"

// Any bytes as a file of time rows and as pictures.json; what is read is written and read alike.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle::package;
  const axle::Result<NpyTable> table = parse_npy(std::as_bytes(std::span(data, size)));
  if (table.ok()) {
    AXLE_CHECK(table->numbers.size() == table->rows * table->columns);
    AXLE_CHECK(npy_file(*table).size() > table->numbers.size() * sizeof(float));
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const axle::Result<PictureConfig> config = parse_picture_config(text);
  if (config.ok()) AXLE_CHECK(parse_picture_config(to_json(*config)).ok());
  return 0;
}
