#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "axmodel/model.h"

// Private to this room: field numbers of the ONNX messages, and the group list as text.
namespace axle::axmodel::wire {

// Source: ONNX, onnx.proto (IR version 10).
enum ModelField : std::uint32_t {
  kModelIrVersion = 1,
  kModelProducerName = 2,
  kModelProducerVersion = 3,
  kModelDocString = 6,
  kModelGraph = 7,
  kModelOpsetImport = 8,
  kModelMetadata = 14,
};
enum OpsetField : std::uint32_t { kOpsetDomain = 1, kOpsetVersion = 2 };
enum EntryField : std::uint32_t { kEntryKey = 1, kEntryValue = 2 };
enum GraphField : std::uint32_t {
  kGraphNode = 1,
  kGraphName = 2,
  kGraphInitializer = 5,
  kGraphInput = 11,
  kGraphOutput = 12,
};
enum NodeField : std::uint32_t {
  kNodeInput = 1,
  kNodeOutput = 2,
  kNodeName = 3,
  kNodeOpType = 4,
  kNodeAttribute = 5,
  kNodeDomain = 7,
};
enum AttributeField : std::uint32_t {
  kAttributeName = 1,
  kAttributeFloat = 2,
  kAttributeInt = 3,
  kAttributeString = 4,
  kAttributeGraph = 6,
  kAttributeFloats = 7,
  kAttributeInts = 8,
  kAttributeGraphs = 11,
  kAttributeType = 20,
};
enum AttributeType : std::int32_t {
  kTypeFloat = 1,
  kTypeInt = 2,
  kTypeString = 3,
  kTypeFloats = 6,
  kTypeInts = 7,
};
enum TensorField : std::uint32_t {
  kTensorDims = 1,
  kTensorDataType = 2,
  kTensorFloatData = 4,
  kTensorInt32Data = 5,
  kTensorStringData = 6,
  kTensorInt64Data = 7,
  kTensorName = 8,
  kTensorRawData = 9,
  kTensorDoubleData = 10,
  kTensorUint64Data = 11,
  kTensorDocString = 12,
  kTensorExternalData = 13,
  kTensorDataLocation = 14,
};
enum ValueInfoField : std::uint32_t { kValueName = 1, kValueType = 2 };
enum TypeField : std::uint32_t { kTypeTensor = 1 };
enum TensorTypeField : std::uint32_t { kTensorTypeElem = 1, kTensorTypeShape = 2 };
enum ShapeField : std::uint32_t { kShapeDim = 1 };
enum DimField : std::uint32_t { kDimValue = 1, kDimParam = 2 };

inline constexpr std::int64_t kIrVersion = 10;
inline constexpr std::int64_t kStandardOpset = 21;  // Of the standard domain, as IR 10 pairs it.
inline constexpr std::int64_t kDomainOpset = 1;     // Of the operators in our own domain.
inline constexpr std::string_view kGroupsKey = "axle.groups";

// The format of a plain element type: "f32", "f16", "bf16", else data_type_name().
std::string plain_format(DataType dtype);
// The element type of a plain format; kUint8 for block formats.
DataType stored_type(std::string_view format);

// A tensor as a ValueInfoProto; a negative dimension is open.
std::string value_message(const TensorInfo& tensor);

// The groups as text, a line per tensor: "<group> <in|out> <dtype> <d0,d1,...> <name>".
std::string groups_to_text(const std::vector<Group>& groups);
// Errors: kCorrupt  a line that is not of that form, groups out of order.
Result<std::vector<Group>> groups_from_text(std::string_view text);

}  // namespace axle::axmodel::wire
