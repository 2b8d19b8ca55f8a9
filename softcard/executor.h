#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "axmodel/model.h"
#include "base/result.h"

// What computes an engine on the software card. The card binds pointers and runs; it knows nothing
// else of how it is done.
namespace axle::softcard {

// One loaded engine.
//
// Threading: run() of one executor must not overlap itself; different executors may be run from
//            different threads and then take turns on the shared worker threads.
class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor() = default;

  // Runs shape group `group`. `inputs` and `outputs` are the group's tensors in the file's order,
  // each at least tensor_bytes() long; an output must not overlap an input. Blocks until all
  // outputs are written. Cells and chunk rows that no row's mask shows are not read. Rows of a
  // layer after the last one that sees anything are padding: their outputs stay as they were.
  // Errors: kInvalidArgument  no such group, a wrong number of pointers, a null one.
  //         kInternal         the computation failed.
  virtual Status run(std::size_t group, std::span<std::byte* const> inputs,
                     std::span<std::byte* const> outputs) = 0;

  // Host memory that the executor holds besides the model's bytes (own copies of weights, scratch
  // shared with other executors not counted).
  virtual std::size_t memory_bytes() const = 0;
};

// In what graphs of ordinary ONNX operators are computed.
enum class GraphPrecision : std::uint8_t {
  kFloat,     // 32 bits, as the buffers of the card are.
  kBfloat16,  // 16 bits where the processor multiplies them faster (x86 with AVX512-BF16 or AMX).
};

struct ExecutorOptions {
  // Worker threads for the whole process, the calling one included; the first executor decides. 0:
  // the environment's AXLE_SOFTCARD_THREADS, else the number of processors this process may use.
  int threads = 0;
  // What runs graphs of ordinary ONNX operators (softcard/onnx). Empty: the file kOnnxLibrary
  // beside the library or program that holds this code. It is opened when the first graph needs it.
  std::filesystem::path onnx_library = {};
  GraphPrecision graph_precision = GraphPrecision::kFloat;
};
inline constexpr const char* kOnnxLibrary = "libaxle_onnx_executor.so";

// Prepares an executor for `model`, by its operator. The pointer also keeps the file's bytes alive:
// build it with the owner of the mapping (std::shared_ptr aliasing).
// Errors: kUnsupported  a vendor's engine (compiled for the NPU), a weight format without
//                       batch-invariant kernels; a graph of ordinary ONNX operators in a build
//                       without OpenVINO, or where the library cannot be opened, or with operators
//                       or open dimensions that cannot run (which).
//         kCorrupt      attributes, weights or groups that do not fit each other, by name; a graph
//                       that is none.
//         kExhausted    not enough host memory.
Result<std::unique_ptr<Executor>> make_executor(std::shared_ptr<const axmodel::Model> model,
                                                const ExecutorOptions& options);

}  // namespace axle::softcard
