#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "axmodel/model.h"
#include "base/file.h"
#include "base/mutex.h"
#include "base/result.h"
#include "softcard/abi.h"
#include "softcard/device.h"
#include "softcard/executor.h"
#include "softcard/pace.h"
#include "softcard/profile.h"

namespace axle::softcard {

// A parsed engine file with the bytes that it points into.
struct EngineFile {
  std::shared_ptr<const axmodel::Model> model;  // Keeps its bytes; shared with the executor.
  std::size_t size_bytes = 0;
  std::shared_ptr<const MappedFile> mapping;  // Of those bytes; null: they are in memory.
};
// Errors: as MappedFile::open and axmodel::parse.
Result<EngineFile> open_engine_file(const std::filesystem::path& path);
Result<EngineFile> open_engine_bytes(std::vector<std::byte> bytes);

// One input or output as the ABI describes it.
struct Port {
  std::string name;
  std::int32_t type = 0;  // axclrtEngineDataType.
  axclrtEngineIODims dims{};
  std::size_t size_bytes = 0;
};
struct PortGroup {
  std::vector<Port> inputs;
  std::vector<Port> outputs;
};
// What clients may ask about an engine; outlives it.
struct EngineDescription {
  std::vector<PortGroup> groups;  // At least one, all with the same number of ports.
  std::string compiler_version;
};
// Errors: kUnsupported  groups of different port counts, more than 32 dimensions.
Result<EngineDescription> describe(const axmodel::Model& model);
// The number of the ABI for an element type; 0 for types it does not know.
std::int32_t abi_data_type(axmodel::DataType type);
// Card memory that a loaded engine takes: its file, and room for what it computes.
std::uint64_t engine_memory_bytes(const EngineFile& file, const EngineDescription& description);

// Where the ports of an engine have their data: card addresses. An address of 0 is not bound.
struct Buffer {
  std::uint64_t address = 0;
  std::uint64_t size_bytes = 0;
};
struct Bindings {
  std::vector<Buffer> inputs;
  std::vector<Buffer> outputs;
};

// One loaded engine.
//
// Threading: run() from any thread; runs of all engines of a card take turns on its NPU.
class Engine {
 public:
  // Takes the executor for the file's operator; none, and no memory for weights, where the profile
  // skips arithmetic. A vendor's engine is loaded without one too: its ports can be read, run()
  // refuses.
  // Errors: as make_executor and describe; kUnsupported  an engine without weights, and a profile
  //         that does not skip arithmetic.
  static Result<std::shared_ptr<Engine>> create(const EngineFile& file, const Profile& profile);
  // For tests: with an executor of one's own.
  static Result<std::shared_ptr<Engine>> create(const EngineFile& file,
                                                std::unique_ptr<Executor> executor);

  const std::shared_ptr<const EngineDescription>& description() const { return description_; }
  std::uint64_t memory_bytes() const { return memory_bytes_; }

  // Runs group `group` on the buffers: as if all inputs were read before an output is written.
  // Answers kEngineIndex, or kEngineRefused with a log line that has the reason.
  struct RunOptions {
    bool nan = false;     // A fault: the outputs hold NaN.
    bool queued = false;  // Handed over on a stream.
  };
  axclError run(Device& device, std::uint32_t group, const Bindings& bindings,
                const RunOptions& options);

  // Of the NPU cores; remembered only.
  std::atomic<axclrtEngineSet> affinity{7};

 private:
  Engine() = default;
  struct Places {
    std::vector<std::byte*> inputs;
    std::vector<std::byte*> outputs;
  };
  Status locate(Device& device, std::uint32_t group, const Bindings& bindings, Places& places);
  Status compute(Device& device, std::uint32_t group, Places places, bool queued);
  void set_scratch(std::uint32_t group, Places& places);
  void copy_scratch(std::uint32_t group, const std::vector<std::byte*>& outputs);

  std::shared_ptr<const axmodel::Model> model_;
  std::shared_ptr<const EngineDescription> description_;  // Shared with IOInfo and IO objects.
  std::unique_ptr<Executor> executor_;                    // Null: nothing is computed.
  std::vector<EngineCost> costs_;
  std::uint64_t memory_bytes_ = 0;
  // Used under the NPU's lock: outputs that overlap inputs go here first.
  std::vector<std::vector<std::byte>> scratch_;
  std::vector<std::byte> last_positions_;  // For quirks, under the NPU's lock too.
};

// The ports of an engine together with the buffers that a client bound to them.
//
// Threading: every function from any thread.
class EngineIo {
 public:
  explicit EngineIo(std::shared_ptr<const EngineDescription> description);

  const EngineDescription& description() const { return *description_; }
  enum class Side : std::uint8_t { kInput, kOutput };
  bool set(Side side, std::uint32_t index, Buffer buffer);  // False: no such port.
  bool get(Side side, std::uint32_t index, Buffer& buffer) const;
  Bindings bindings() const;

 private:
  std::shared_ptr<const EngineDescription> description_;
  mutable Mutex mutex_;
  Bindings bindings_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::softcard
