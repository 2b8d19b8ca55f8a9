#pragma once

#include <cstddef>
#include <memory>
#include <openvino/core/model.hpp>
#include <span>
#include <string>

#include "axmodel/model.h"
#include "base/result.h"

// From the bytes of an ONNX file to a graph that OpenVINO can compile. Private to this library.
namespace axle::softcard {

// What a failure of OpenVINO says, without the places in its sources.
std::string reason_of(const std::exception& error);

// Reads a whole file.
// Errors: kCorrupt      not a graph, or one that contradicts itself (the reason).
//         kUnsupported  operators that OpenVINO does not know (which).
Result<std::shared_ptr<ov::Model>> read_graph(std::span<const std::byte> file);

// The graph for one shape group: static shapes, inputs and outputs in the group's order, element
// types of the group (converted where the graph's own are others). Outputs that the group does not
// name are left out.
// Errors: kCorrupt      a tensor that only one side has, shapes that contradict the graph's.
//         kUnsupported  an open dimension or an element type that cannot be converted.
Result<std::shared_ptr<ov::Model>> graph_of_group(const ov::Model& graph,
                                                  const axmodel::Group& group);

// The ONNX element type as OpenVINO's. Errors: kUnsupported  there is none.
Result<ov::element::Type> element_type(const axmodel::TensorInfo& tensor);

}  // namespace axle::softcard
