#include "softcard/onnx/openvino_graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <istream>
#include <map>
#include <openvino/core/preprocess/pre_post_process.hpp>
#include <openvino/frontend/manager.hpp>
#include <streambuf>
#include <string_view>
#include <utility>
#include <vector>

namespace axle::softcard {
namespace {

constexpr std::size_t kReasonLimit = 400;  // Characters; OpenVINO can say pages.

// How OpenVINO's reader begins its list of unknown operators.
constexpr std::string_view kNoRule = "No conversion rule found for operations";

// Bytes in memory as a stream that can be read again from any place.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(std::span<const std::byte> bytes) {
    // The interface asks for pointers to change through; a stream of input only never does.
    char* begin =
        const_cast<char*>(static_cast<const char*>(static_cast<const void*>(bytes.data())));
    setg(begin, begin, begin + bytes.size());
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
    const char* base = from == std::ios_base::beg   ? eback()
                       : from == std::ios_base::cur ? gptr()
                                                    : egptr();
    const off_type place = base - eback() + offset;
    if (place < 0 || place > egptr() - eback()) return pos_type(off_type(-1));
    setg(eback(), eback() + place, egptr());
    return place;
  }
  pos_type seekpos(pos_type place, std::ios_base::openmode which) override {
    return seekoff(off_type(place), std::ios_base::beg, which);
  }
};

// True for the lines of OpenVINO's messages that tell its users nothing: places in its sources,
// headings, where its own documentation is.
bool is_noise(std::string_view line) {
  return line.starts_with("Check '") || line.starts_with("Exception from ") ||
         line.starts_with("FrontEnd API failed") || line.starts_with("Model wasn't fully") ||
         line.starts_with("Summary:") || line.starts_with("To facilitate the conversion");
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

ov::PartialShape partial_shape(const axmodel::TensorInfo& tensor) {
  std::vector<ov::Dimension> dimensions;
  for (const std::int64_t length : tensor.shape) dimensions.emplace_back(length);
  return ov::PartialShape(std::move(dimensions));
}

template <typename Ports>
std::string names_of(const Ports& ports) {
  std::vector<std::string> names;
  for (const auto& port : ports) {
    names.push_back(port.get_names().empty() ? "(no name)" : port.get_any_name());
  }
  return fmt::to_string(fmt::join(names, ", "));
}

// The place among the ports of each of the group's tensors.
template <typename Ports>
Result<std::vector<std::size_t>> places_of(const std::vector<axmodel::TensorInfo>& tensors,
                                           const Ports& ports, std::string_view side) {
  std::vector<std::size_t> places;
  for (const axmodel::TensorInfo& tensor : tensors) {
    const auto found = std::find_if(ports.begin(), ports.end(), [&tensor](const auto& port) {
      return port.get_names().contains(tensor.name);
    });
    if (found == ports.end()) {
      return corrupt(
          fmt::format("the graph has no {} '{}'; it has {}", side, tensor.name, names_of(ports)));
    }
    places.push_back(static_cast<std::size_t>(found - ports.begin()));
  }
  return places;
}

// Errors: as graph_of_group(), for one tensor.
Status check_tensor(const axmodel::TensorInfo& tensor) {
  if (std::ranges::find(tensor.shape, -1) != tensor.shape.end()) {
    return unsupported(
        fmt::format("tensor '{}' has the shape {}: a dimension is open; import the "
                    "graph with fixed shapes",
                    tensor.name, shape_text(tensor.shape)));
  }
  return element_type(tensor).status();
}

Status check_outputs(const ov::Model& graph, const std::vector<axmodel::TensorInfo>& wanted) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const ov::PartialShape& found = graph.output(i).get_partial_shape();
    if (found.is_dynamic()) {
      return unsupported(fmt::format("output '{}' has a shape that depends on the numbers: {}",
                                     wanted[i].name, found.to_string()));
    }
    if (found != partial_shape(wanted[i])) {
      return corrupt(fmt::format("output '{}' should be {}, the graph makes it {}", wanted[i].name,
                                 shape_text(wanted[i].shape), found.to_string()));
    }
  }
  return {};
}

// The graph with the group's tensors alone, in its order.
Result<std::shared_ptr<ov::Model>> reordered(const ov::Model& graph, const axmodel::Group& group) {
  const std::shared_ptr<ov::Model> copy = graph.clone();
  AXLE_TRY_ASSIGN(const std::vector<std::size_t> inputs,
                  places_of(group.inputs, copy->inputs(), "input"));
  AXLE_TRY_ASSIGN(const std::vector<std::size_t> outputs,
                  places_of(group.outputs, copy->outputs(), "output"));
  if (inputs.size() != copy->inputs().size()) {
    return corrupt(fmt::format("the graph has {} inputs ({}), its group lists {}",
                               copy->inputs().size(), names_of(copy->inputs()), inputs.size()));
  }
  ov::ParameterVector parameters;
  for (const std::size_t place : inputs) parameters.push_back(copy->get_parameters()[place]);
  ov::ResultVector results;
  for (const std::size_t place : outputs) results.push_back(copy->get_results()[place]);
  return std::make_shared<ov::Model>(results, parameters, graph.get_friendly_name());
}

Result<std::shared_ptr<ov::Model>> shaped(const ov::Model& graph, const axmodel::Group& group) {
  for (const auto* tensors : {&group.inputs, &group.outputs}) {
    for (const axmodel::TensorInfo& tensor : *tensors) AXLE_TRY(check_tensor(tensor));
  }
  AXLE_TRY_ASSIGN(const std::shared_ptr<ov::Model> ordered, reordered(graph, group));
  std::map<std::size_t, ov::PartialShape> shapes;
  for (std::size_t i = 0; i < group.inputs.size(); ++i) {
    shapes.emplace(i, partial_shape(group.inputs[i]));
  }
  ordered->reshape(shapes);
  AXLE_TRY(check_outputs(*ordered, group.outputs));
  ov::preprocess::PrePostProcessor types(ordered);
  for (std::size_t i = 0; i < group.inputs.size(); ++i) {
    AXLE_TRY_ASSIGN(const ov::element::Type type, element_type(group.inputs[i]));
    types.input(i).tensor().set_element_type(type);
  }
  for (std::size_t i = 0; i < group.outputs.size(); ++i) {
    AXLE_TRY_ASSIGN(const ov::element::Type type, element_type(group.outputs[i]));
    types.output(i).tensor().set_element_type(type);
  }
  return types.build();
}

}  // namespace

std::string reason_of(const std::exception& error) {
  std::string_view text = error.what();
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.starts_with("-- ")) line.remove_prefix(3);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (!line.empty() && !is_noise(line)) lines.push_back(line);
  }
  std::string reason = fmt::to_string(fmt::join(lines, "; "));
  if (reason.empty()) reason = error.what();
  if (reason.size() > kReasonLimit) reason = reason.substr(0, kReasonLimit) + " ...";
  return reason;
}

Result<ov::element::Type> element_type(const axmodel::TensorInfo& tensor) {
  switch (tensor.dtype) {
    case axmodel::DataType::kFloat:
      return ov::element::Type(ov::element::f32);
    case axmodel::DataType::kFloat16:
      return ov::element::Type(ov::element::f16);
    case axmodel::DataType::kBfloat16:
      return ov::element::Type(ov::element::bf16);
    case axmodel::DataType::kDouble:
      return ov::element::Type(ov::element::f64);
    case axmodel::DataType::kInt8:
      return ov::element::Type(ov::element::i8);
    case axmodel::DataType::kUint8:
      return ov::element::Type(ov::element::u8);
    case axmodel::DataType::kInt32:
      return ov::element::Type(ov::element::i32);
    case axmodel::DataType::kUint32:
      return ov::element::Type(ov::element::u32);
    case axmodel::DataType::kInt64:
      return ov::element::Type(ov::element::i64);
    default:
      break;
  }
  return unsupported(
      fmt::format("tensor '{}' has the element type {}, which graphs on the "
                  "software card cannot have at their ends",
                  tensor.name, axmodel::data_type_name(tensor.dtype)));
}

Result<std::shared_ptr<ov::Model>> read_graph(std::span<const std::byte> file) {
  ov::frontend::FrontEndManager manager;
  const ov::frontend::FrontEnd::Ptr reader = manager.load_by_framework("onnx");
  if (reader == nullptr) return unsupported("OpenVINO's reader of ONNX files is missing");
  try {
    MemoryBuffer buffer(file);
    std::istream stream(&buffer);
    std::istream* const source = &stream;
    const ov::frontend::InputModel::Ptr loaded = reader->load(source);
    if (loaded == nullptr) return corrupt("not an ONNX graph");
    return reader->convert(loaded);
  } catch (const std::exception& error) {
    const std::string reason = reason_of(error);
    if (reason.find(kNoRule) != std::string::npos) return unsupported(reason);
    return corrupt(fmt::format("not a graph that can be read: {}", reason));
  }
}

Result<std::shared_ptr<ov::Model>> graph_of_group(const ov::Model& graph,
                                                  const axmodel::Group& group) {
  try {
    return shaped(graph, group);
  } catch (const std::exception& error) {
    return corrupt(
        fmt::format("the shapes of its group do not fit the graph: {}", reason_of(error)));
  }
}

}  // namespace axle::softcard
