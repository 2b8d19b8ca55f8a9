#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <protozero/pbf_writer.hpp>

#include "axmodel/test_models.h"

namespace axle::axmodel {
namespace {

using protozero::pbf_writer;
using ::testing::HasSubstr;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string value_info(const std::string& name, std::int32_t type,
                       const std::vector<std::int64_t>& shape) {
  std::string value;
  pbf_writer writer(value);
  writer.add_string(1, name);
  pbf_writer type_proto(writer, 2);
  pbf_writer tensor(type_proto, 1);
  tensor.add_int32(1, type);
  pbf_writer dims(tensor, 2);
  for (const std::int64_t size : shape) {
    pbf_writer dim(dims, 1);
    if (size >= 0) {
      dim.add_int64(1, size);
    } else {
      dim.add_string(2, "batch");
    }
  }
  return value;
}

struct VendorFile {
  std::string weight_data = std::string(48, 'w');
  std::vector<std::int64_t> weight_dims{48};
  std::string extra_tensor;  // Appended to the initializer's fields.

  // A file with the fields that the vendor's tool chain writes.
  std::string bytes() const {
    std::string file;
    pbf_writer model(file);
    model.add_int64(1, 7);
    model.add_string(2, "Pulsar2");
    model.add_string(6, "Pulsar2 Version: 1.2-patch2\nPulsar2 Commit: 7e6b2b5f");
    {
      pbf_writer graph(model, 7);
      graph.add_string(2, "ax-model");
      {
        pbf_writer node(graph, 1);
        node.add_string(3, "npu_0");
        node.add_string(4, "neu mode");
      }
      graph.add_message(11, value_info("input", 16, {1, 1, 1024}));
      graph.add_message(12, value_info("output", 16, {1, 1, 151936}));
      std::string tensor;
      pbf_writer writer(tensor);
      for (const std::int64_t size : weight_dims) writer.add_int64(1, size);
      writer.add_int32(2, 2);
      writer.add_string(8, "npu_params");
      writer.add_bytes(9, weight_data);
      tensor += extra_tensor;
      graph.add_message(5, tensor);
    }
    std::string entry;
    pbf_writer entry_writer(entry);
    entry_writer.add_string(1, "extra_data");
    entry_writer.add_string(2, "CgVpbnB1dA==");
    model.add_message(14, entry);
    return file;
  }
};

VendorFile with_dims(std::vector<std::int64_t> dims) {
  VendorFile file;
  file.weight_dims = std::move(dims);
  return file;
}

TEST(ParseTest, ReadsTheInputsAndOutputsOfAVendorFile) {
  const std::string file = VendorFile{}.bytes();
  const Result<Model> model = parse(bytes_of(file));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_TRUE(model->is_vendor());
  EXPECT_EQ(model->op_type, "neu mode");
  EXPECT_EQ(model->graph_name, "ax-model");
  ASSERT_EQ(model->groups.size(), 1u);
  EXPECT_EQ(model->groups[0].inputs,
            (std::vector<TensorInfo>{{"input", DataType::kBfloat16, {1, 1, 1024}}}));
  EXPECT_EQ(model->groups[0].outputs,
            (std::vector<TensorInfo>{{"output", DataType::kBfloat16, {1, 1, 151936}}}));
  EXPECT_EQ(model->metadata.at("extra_data"), "CgVpbnB1dA==");
}

TEST(ParseTest, GivesTheVendorsCompilerVersion) {
  const std::string file = VendorFile{}.bytes();
  const Result<Model> model = parse(bytes_of(file));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(compiler_version(*model), "1.2-patch2 7e6b2b5f");
}

TEST(ParseTest, WeightsAreViewsIntoTheFile) {
  const std::string file = VendorFile{}.bytes();
  const Result<Model> model = parse(bytes_of(file));
  ASSERT_TRUE(model.ok()) << model.status();
  const Weight* weight = model->find_weight("npu_params");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->format, "uint8");
  EXPECT_GE(weight->data.data(), bytes_of(file).data());
  EXPECT_LE(weight->data.data() + weight->data.size(), bytes_of(file).data() + file.size());
}

TEST(ParseTest, EveryCutOfAFileIsCorruptOrLacksSomething) {
  const std::string file = VendorFile{}.bytes();
  const Result<Model> whole = parse(bytes_of(file));
  ASSERT_TRUE(whole.ok()) << whole.status();
  const std::size_t graph_end = file.size() - 30;  // Behind it only metadata follows.
  for (std::size_t size = 0; size < graph_end; ++size) {
    const std::string cut = file.substr(0, size);
    const Result<Model> model = parse(bytes_of(cut));
    ASSERT_FALSE(model.ok()) << "cut at " << size;
    ASSERT_EQ(model.status().code(), Code::kCorrupt) << "cut at " << size;
  }
}

TEST(ParseTest, CorruptionNamesMessageAndOffset) {
  std::string file = VendorFile{}.bytes();
  file.resize(file.size() / 2);
  const Result<Model> model = parse(bytes_of(file));
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.status().message(), HasSubstr("ModelProto at offset"));
}

TEST(ParseTest, WeightWithLessDataThanItsShapeIsCorrupt) {
  const std::string file = with_dims({49}).bytes();
  const Result<Model> model = parse(bytes_of(file));
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.status().code(), Code::kCorrupt);
  EXPECT_THAT(model.status().message(), HasSubstr("'npu_params' should have 49 bytes and has 48"));
}

TEST(ParseTest, WeightShapesBeyond63BitsAreCorrupt) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  const std::string file = with_dims({kHuge, 4}).bytes();
  EXPECT_EQ(parse(bytes_of(file)).status().code(), Code::kCorrupt);
  const std::string negative = with_dims({-48}).bytes();
  EXPECT_EQ(parse(bytes_of(negative)).status().code(), Code::kCorrupt);
}

TEST(ParseTest, WeightsInAnotherFileAreUnsupported) {
  std::string external;
  pbf_writer(external).add_int32(14, 1);
  VendorFile vendor;
  vendor.extra_tensor = external;
  const std::string file = vendor.bytes();
  const Result<Model> model = parse(bytes_of(file));
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.status().code(), Code::kUnsupported);
}

TEST(ParseTest, AnOpenDimensionIsMinusOneAndHasNoSize) {
  std::string file;
  pbf_writer model_writer(file);
  model_writer.add_int64(1, 10);
  {
    pbf_writer graph(model_writer, 7);
    graph.add_message(11, value_info("x", 1, {-1, 3}));
  }
  const Result<Model> model = parse(bytes_of(file));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->groups[0].inputs[0].shape, (std::vector<std::int64_t>{-1, 3}));
  EXPECT_EQ(tensor_bytes(model->groups[0].inputs[0]).status().code(), Code::kUnsupported);
}

TEST(ParseTest, SeveralNodesLeaveNoOperator) {
  std::string file;
  pbf_writer model_writer(file);
  model_writer.add_int64(1, 10);
  {
    pbf_writer graph(model_writer, 7);
    for (const char* op : {"Conv", "Relu"}) {
      pbf_writer node(graph, 1);
      node.add_string(4, op);
    }
  }
  const Result<Model> model = parse(bytes_of(file));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->node_count, 2u);
  EXPECT_EQ(model->op_type, "");
}

TEST(ParseTest, EmptyAndForeignBytesAreCorrupt) {
  EXPECT_EQ(parse({}).status().code(), Code::kCorrupt);
  const std::string gguf = "GGUF\3\0\0\0 and so on";
  EXPECT_EQ(parse(bytes_of(gguf)).status().code(), Code::kCorrupt);
}

TEST(TensorBytesTest, KnowsSizesAndRefusesOverflow) {
  EXPECT_EQ(*tensor_bytes({"a", DataType::kBfloat16, {1, 2047, 192}}), 2u * 2047 * 192);
  EXPECT_EQ(*tensor_bytes({"scalar", DataType::kFloat, {}}), 4u);
  const TensorInfo huge{"h", DataType::kDouble, {std::int64_t{1} << 61, 2}};
  EXPECT_EQ(tensor_bytes(huge).status().code(), Code::kCorrupt);
  EXPECT_EQ(tensor_bytes({"u", DataType::kUndefined, {1}}).status().code(), Code::kUnsupported);
}

TEST(WeightBytesTest, CountsBlocksAndRefusesPartsOfOne) {
  const std::vector<std::int64_t> shape{576, 1536};
  EXPECT_EQ(*weight_bytes("q8_0", shape), 576u * 48 * 34);
  EXPECT_EQ(*weight_bytes("f32", shape), 576u * 1536 * 4);
  EXPECT_EQ(weight_bytes("q4_0", std::vector<std::int64_t>{576, 1530}).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(weight_bytes("q8_0", std::vector<std::int64_t>{0, 32}).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(weight_bytes("iq2", shape).status().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace axle::axmodel
