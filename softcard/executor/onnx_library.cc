#include "softcard/executor/onnx_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "softcard/executor/crew.h"
#include "softcard/onnx/onnx_plugin.h"

namespace axle::softcard {

#ifdef AXLE_ONNX_EXECUTOR

namespace {

// Beside the library or program that holds this code.
std::filesystem::path default_library() {
  static const char anchor = 0;
  Dl_info info{};
  if (::dladdr(&anchor, &info) == 0 || info.dli_fname == nullptr) return kOnnxLibrary;
  std::error_code ignored;
  const std::filesystem::path own = std::filesystem::weakly_canonical(info.dli_fname, ignored);
  return own.parent_path() / kOnnxLibrary;
}

Result<MakeOnnxExecutor*> open_library(const std::filesystem::path& path) {
#ifdef AXLE_SANITIZED
  // oneTBB opens a library of its own in a way that sanitizers refuse, unless it is told of them.
  ::setenv("TBB_ENABLE_SANITIZERS", "1", 1);
#endif
  // Never closed: its threads and static objects end with the process.
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* function = library != nullptr ? ::dlsym(library, kOnnxFunction) : nullptr;
  if (function != nullptr) return reinterpret_cast<MakeOnnxExecutor*>(function);
  const char* reason = ::dlerror();
  return unsupported(
      fmt::format("ordinary ONNX graphs run on OpenVINO, and its library cannot be opened: {} ({})",
                  path.string(), reason != nullptr ? reason : "no reason given"));
}

}  // namespace

Result<std::unique_ptr<Executor>> make_onnx_executor(std::shared_ptr<const axmodel::Model> model,
                                                     const ExecutorOptions& options) {
  AXLE_TRY_ASSIGN(
      MakeOnnxExecutor * make,
      open_library(options.onnx_library.empty() ? default_library() : options.onnx_library));
  OnnxAnswer answer;
  make({.model = std::move(model),
        .threads = crew_size(options.threads),
        .precision = options.graph_precision},
       answer);
  if (!answer.status.ok()) return answer.status;
  return std::move(answer.executor);
}

#else

Result<std::unique_ptr<Executor>> make_onnx_executor(
    std::shared_ptr<const axmodel::Model> /*model*/, const ExecutorOptions& /*options*/) {
  return unsupported(
      "ordinary ONNX graphs need the OpenVINO executor, which this build does not contain");
}

#endif

}  // namespace axle::softcard
