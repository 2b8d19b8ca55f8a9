#pragma once

#include <memory>

#include "axmodel/model.h"
#include "base/status.h"
#include "softcard/executor.h"

// What libaxle_onnx_executor.so offers to the card's library: the executor of ordinary ONNX graphs.
// A library of its own, because OpenVINO is loaded with it: programs that only run language models
// pay nothing for it. Both libraries are built and installed together.
namespace axle::softcard {

struct OnnxRequest {
  // Keeps its file's bytes (axmodel::Model::file_bytes), which must not be empty.
  std::shared_ptr<const axmodel::Model> model;
  int threads = 1;  // At least 1.
  GraphPrecision precision = GraphPrecision::kFloat;
};

struct OnnxAnswer {
  Status status;
  std::unique_ptr<Executor> executor;  // Null where the status is not ok.
};

// The one function of the library. Throws nothing. Status: as make_executor().
using MakeOnnxExecutor = void(const OnnxRequest& request, OnnxAnswer& answer);
inline constexpr const char* kOnnxFunction = "axle_make_onnx_executor";

}  // namespace axle::softcard
