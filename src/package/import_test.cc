#include "package/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <string>

#include "axmodel/layer.h"
#include "axmodel/model.h"
#include "base/file.h"
#include "package/locate.h"
#include "package/package.h"
#include "package/staging.h"
#include "package/testing/tiny_gguf.h"

namespace axle::package {
namespace {

namespace fs = std::filesystem;
using testing::GgufWriter;
using ::testing::HasSubstr;
using testing::TinyGgufOptions;

class ImportTest : public ::testing::Test {
 protected:
  // Writes a GGUF file and gives options that import it as "out".
  ImportOptions prepare(const TinyGgufOptions& gguf = {}) {
    ImportOptions options;
    options.gguf = folder_.path() / "model.gguf";
    options.output = folder_.path() / "out";
    options.cells = 127;
    options.chunk = 16;
    EXPECT_TRUE(write_file_atomically(options.gguf, testing::make_tiny_gguf(gguf)).ok());
    return options;
  }
  // The failure of importing a file that `edit` changed.
  Status refusal(std::function<void(GgufWriter&)> edit, const std::string& architecture = "llama") {
    TinyGgufOptions gguf;
    gguf.architecture = architecture;
    gguf.edit = std::move(edit);
    const Status status = import_gguf(prepare(gguf)).status();
    EXPECT_FALSE(fs::exists(folder_.path() / "out"));
    EXPECT_EQ(list_files(folder_.path(), 1).size(), 1u);  // Nothing but the source is left.
    return status;
  }
  std::map<std::string, std::string> contents(const fs::path& folder) {
    std::map<std::string, std::string> result;
    for (const fs::path& file : list_files(folder, 0)) {
      result[file.filename().string()] = *read_file(file);
    }
    return result;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(ImportTest, EveryArchitectureBecomesAPackageThatOpens) {
  for (const std::string architecture : {"llama", "qwen2", "qwen3"}) {
    TinyGgufOptions gguf;
    gguf.architecture = architecture;
    gguf.tied = architecture != "qwen2";
    ImportOptions options = prepare(gguf);
    options.output = folder_.path() / architecture;
    const Result<ImportReport> report = import_gguf(options);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->architecture, architecture);
    const Result<Package> package = Package::open(options.output);
    ASSERT_TRUE(package.ok()) << package.status();
    EXPECT_EQ(package->info().family, architecture);
    EXPECT_TRUE(package->verify().ok()) << package->verify();
  }
}

TEST_F(ImportTest, LayerFilesCarryWhatTheFileSaysAboutTheModel) {
  TinyGgufOptions gguf;
  gguf.architecture = "qwen3";
  gguf.edit = [](GgufWriter& writer) {
    writer.set_f32("qwen3.rope.freq_base", 1e6f);
    writer.set_string("qwen3.rope.scaling.type", "linear");
    writer.set_f32("qwen3.rope.scaling.factor", 4.0f);
    writer.add_random("rope_freqs.weight.norm", "f32", {16}, 1);
    writer.rename_tensor("rope_freqs.weight.norm", "rope_freqs.weight");
  };
  const ImportOptions options = prepare(gguf);
  ASSERT_TRUE(import_gguf(options).ok());
  const auto file = MappedFile::open(options.output / "qwen3_p16_l1_together.axmodel");
  ASSERT_TRUE(file.ok());
  const auto spec = axmodel::layer_spec(*axmodel::parse(file->bytes()));
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->rope_kind, "neox");
  EXPECT_FLOAT_EQ(spec->rope_theta, 1e6f);
  EXPECT_FLOAT_EQ(spec->rope_scale, 0.25f);
  EXPECT_EQ(spec->rope_factors.size(), 16u);
  EXPECT_EQ(spec->kv_heads, 2);
  EXPECT_EQ(spec->head_dim, 32);
  EXPECT_EQ(spec->max_position, 512);
}

TEST_F(ImportTest, SameFileAndOptionsGiveTheSameBytes) {
  ImportOptions options = prepare();
  options.name = "tiny";
  ASSERT_TRUE(import_gguf(options).ok());
  const auto first = contents(options.output);
  options.output = folder_.path() / "again";
  options.threads = 1;
  ASSERT_TRUE(import_gguf(options).ok());
  EXPECT_EQ(first.size(), 9u);
  EXPECT_EQ(first, contents(options.output));
}

TEST_F(ImportTest, ImportOfTheSameThingAgainChangesNothing) {
  const ImportOptions options = prepare();
  const Result<ImportReport> first = import_gguf(options);
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->already_there);
  const auto time = fs::last_write_time(options.output);
  const Result<ImportReport> second = import_gguf(options);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(second->already_there);
  EXPECT_EQ(second->bytes_after, first->bytes_after);
  EXPECT_EQ(fs::last_write_time(options.output), time);
}

TEST_F(ImportTest, DamagedPackageIsMadeAnew) {
  const ImportOptions options = prepare();
  ASSERT_TRUE(import_gguf(options).ok());
  fs::remove(options.output / "llama_post.axmodel");
  const Result<ImportReport> report = import_gguf(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->already_there);
  EXPECT_TRUE(Package::open(options.output).ok());
}

TEST_F(ImportTest, AdviceOnSamplingIsKeptInThePackage) {
  ImportOptions options = prepare();
  options.sampling = {.temperature = 0.2, .top_p = 0.9, .top_k = 40};
  ASSERT_TRUE(import_gguf(options).ok());
  EXPECT_EQ(Package::open(options.output)->sampling(), options.sampling);
  options.sampling.top_k.reset();
  EXPECT_EQ(import_gguf(options).status().code(), Code::kInvalidArgument);  // Another import.
}

TEST_F(ImportTest, OtherOptionsNeedReplace) {
  ImportOptions options = prepare();
  ASSERT_TRUE(import_gguf(options).ok());
  options.cells = 63;
  const Status status = import_gguf(options).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("imported from another file or with other options"));
  EXPECT_EQ(Package::open(options.output)->cells(), 127u);
  options.replace = true;
  ASSERT_TRUE(import_gguf(options).ok());
  EXPECT_EQ(Package::open(options.output)->cells(), 63u);
  EXPECT_EQ(list_files(folder_.path(), 1).size(), 10u);  // The old folder is gone.
}

TEST_F(ImportTest, FolderOfAnotherOriginIsNeverTouched) {
  ImportOptions options = prepare();
  options.replace = true;
  fs::create_directory(options.output);
  ASSERT_TRUE(write_file_atomically(options.output / "thesis.txt", "years of work").ok());
  const Status status = import_gguf(options).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("was not made by an import"));
  EXPECT_EQ(*read_file(options.output / "thesis.txt"), "years of work");
}

TEST_F(ImportTest, GroupsFollowTheOptions) {
  ImportOptions options = prepare();
  options.small_chunks = {4};
  options.ladder = {0, 20, 100};
  ASSERT_TRUE(import_gguf(options).ok());
  const std::vector<Group> wanted = {{0, 1, 127, 127},  {1, 16, 0, 1}, {2, 16, 20, 20},
                                     {3, 16, 100, 100}, {4, 4, 0, 1},  {5, 4, 127, 127}};
  EXPECT_EQ(Package::open(options.output)->groups(), wanted);
}

TEST_F(ImportTest, DefaultLadderDoublesAndEndsWithAllCells) {
  EXPECT_THAT(default_ladder(2047, 128), ::testing::ElementsAre(0, 128, 256, 512, 1024, 2047));
  EXPECT_THAT(default_ladder(127, 127), ::testing::ElementsAre(0, 127));
}

TEST_F(ImportTest, ShortContextLowersTheCellsAndSaysSo) {
  TinyGgufOptions gguf;
  gguf.context = 100;
  const Result<ImportReport> report = import_gguf(prepare(gguf));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->cells, 100u);
  EXPECT_THAT(report->notes, ::testing::Contains(HasSubstr("100 cells instead of 127")));
}

TEST_F(ImportTest, ReportTellsWhatHappenedToEveryMatrix) {
  const Result<ImportReport> report = import_gguf(prepare());
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->changes.size(), 2u * 7 + 2);
  const WeightChange& change = report->changes[0];
  EXPECT_EQ(change.tensor, "blk.0.attn_q.weight");
  EXPECT_EQ(change.before, "f32");
  EXPECT_EQ(change.after, "q8_0");
  EXPECT_EQ(change.bytes_after, change.bytes_before / 128 * 34);
  EXPECT_GT(change.rms_error, 0.0005);
  EXPECT_LT(change.rms_error, 0.006);
  EXPECT_GT(change.max_error, change.rms_error);
}

TEST_F(ImportTest, WeightOptionsChooseTheFormats) {
  TinyGgufOptions gguf;
  gguf.weights = "q4_0";
  const auto formats = [](const ImportOptions& options) {
    const Result<ImportReport> report = import_gguf(options);
    EXPECT_TRUE(report.ok()) << report.status();
    fs::remove_all(options.output);
    return report->changes[0].after + " " + report->changes[14].after;
  };
  ImportOptions options = prepare(gguf);
  EXPECT_EQ(formats(options), "q8_0 q8_0");
  options.weights = WeightFormat::kKeep;
  EXPECT_EQ(formats(options), "q4_0 q4_0");
  options = prepare();
  options.weights = WeightFormat::kQ4_0;
  EXPECT_EQ(formats(options), "q4_0 q8_0");
  options.weights = WeightFormat::kKeep;
  EXPECT_EQ(formats(options), "q8_0 q8_0");
}

TEST_F(ImportTest, WeightsThatAreKeptAreCopiedBitByBit) {
  TinyGgufOptions gguf;
  gguf.weights = "q8_0";
  const Result<ImportReport> report = import_gguf(prepare(gguf));
  ASSERT_TRUE(report.ok());
  for (std::size_t i = 0; i + 1 < report->changes.size(); ++i) {
    EXPECT_EQ(report->changes[i].max_error, 0) << report->changes[i].tensor;
  }
}

TEST_F(ImportTest, ProgressEndsAtItsTotal) {
  ImportOptions options = prepare();
  std::vector<ImportProgress> seen;
  options.progress = [&seen](const ImportProgress& progress) { seen.push_back(progress); };
  ASSERT_TRUE(import_gguf(options).ok());
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().bytes_done, seen.back().bytes_total);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end(), [](const auto& a, const auto& b) {
    return a.bytes_done < b.bytes_done;
  }));
}

TEST_F(ImportTest, CancelLeavesNothingBehind) {
  ImportOptions options = prepare();
  std::stop_source source;
  options.cancel = source.get_token();
  options.progress = [&source](const ImportProgress& progress) {
    if (progress.step == "layer 2 of 2") source.request_stop();
  };
  EXPECT_EQ(import_gguf(options).status().code(), Code::kCancelled);
  EXPECT_EQ(list_files(folder_.path(), 1).size(), 1u);
}

TEST_F(ImportTest, LeftoversOfAKilledImportAreRemoved) {
  const ImportOptions options = prepare();
  for (const char* name : {".out.importing", ".other.importing"}) {
    fs::create_directory(folder_.path() / name);
    ASSERT_TRUE(write_file_atomically(folder_.path() / name / "half", "x").ok());
  }
  ASSERT_TRUE(import_gguf(options).ok());
  EXPECT_FALSE(fs::exists(folder_.path() / ".out.importing"));
  EXPECT_FALSE(fs::exists(folder_.path() / ".other.importing"));
  EXPECT_FALSE(fs::exists(options.output / "half"));
}

TEST_F(ImportTest, SecondImportOfTheSameNameWaitsForNobody) {
  const ImportOptions options = prepare();
  const Result<Staging> other = Staging::create(options.output);
  ASSERT_TRUE(other.ok());
  const Status status = import_gguf(options).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("another process is importing"));
}

TEST_F(ImportTest, FileThatIsChangedMeanwhileIsAnError) {
  ImportOptions options = prepare();
  options.progress = [&options](const ImportProgress& progress) {
    if (progress.step == "layer 2 of 2") fs::resize_file(options.gguf, 20000);
  };
  const Status status = import_gguf(options).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("was shortened while it was read"));
  EXPECT_FALSE(fs::exists(options.output));
}

TEST_F(ImportTest, OptionsOutOfRangeNameTheRange) {
  const auto message = [this](void (*change)(ImportOptions&)) {
    ImportOptions options = prepare();
    change(options);
    const Status status = import_gguf(options).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    return status.message();
  };
  EXPECT_EQ(message([](ImportOptions& options) { options.cells = 1; }),
            "the number of cells is 1, wanted 2 to 131072");
  EXPECT_EQ(message([](ImportOptions& options) { options.chunk = 128; }),
            "the chunk length is 128, wanted 2 to 127");
  EXPECT_EQ(message([](ImportOptions& options) { options.small_chunks = {16}; }),
            "the length of a small chunk is 16, wanted 2 to 15");
  EXPECT_EQ(message([](ImportOptions& options) {
              options.ladder = {0, 64, 64};
            }),
            "a history of the ladder is 64, wanted 65 to 127");
  EXPECT_EQ(message([](ImportOptions& options) { options.threads = 0; }),
            "the number of threads is 0, wanted 1 to 64");
  EXPECT_THAT(message([](ImportOptions& options) { options.output = "/tmp/.hidden"; }),
              HasSubstr("is no name for a package folder"));
}

TEST_F(ImportTest, MissingFileAndMissingParentAreNotFound) {
  ImportOptions options = prepare();
  options.output = folder_.path() / "no" / "out";
  EXPECT_EQ(import_gguf(options).status().code(), Code::kNotFound);
  options.gguf = folder_.path() / "none.gguf";
  EXPECT_EQ(import_gguf(options).status().code(), Code::kNotFound);
}

TEST_F(ImportTest, FullDiskIsFoundBeforeWritingWithBothNumbers) {
  const Status status = check_space(3 << 20, 1 << 20, "/models");
  EXPECT_EQ(status.code(), Code::kExhausted);
  EXPECT_EQ(status.message(), "not enough space in /models: 3.0 MiB needed, 1.0 MiB available");
  EXPECT_TRUE(check_space(5, 5, "/models").ok());
}

// ---- Refusals of what the file describes.

TEST_F(ImportTest, OtherArchitecturesAreRefusedByName) {
  const Status status =
      refusal([](GgufWriter& writer) { writer.set_string("general.architecture", "gemma3"); });
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(),
              HasSubstr("architecture 'gemma3' is not known; axle imports llama, qwen2, qwen3"));
}

TEST_F(ImportTest, KindsOfModelsThatTheLayersDoNotComputeAreRefused) {
  const auto with = [this](const char* key, std::uint32_t value) {
    const Status status =
        refusal([&](GgufWriter& writer) { writer.set_u32(std::string("llama.") + key, value); });
    EXPECT_EQ(status.code(), Code::kUnsupported) << status;
    return status.message();
  };
  EXPECT_THAT(with("expert_count", 8), HasSubstr("a mixture of experts"));
  EXPECT_THAT(with("attention.sliding_window", 4096), HasSubstr("sliding-window attention"));
  EXPECT_THAT(with("pooling_type", 3), HasSubstr("embedding models"));
  EXPECT_THAT(with("attention.value_length", 16),
              HasSubstr("keys have 32 numbers a head and values 16"));
  EXPECT_THAT(with("rope.dimension_count", 16), HasSubstr("RoPE turns 16 of 32 numbers"));
  const Status causal =
      refusal([](GgufWriter& writer) { writer.set_bool("llama.attention.causal", false); });
  EXPECT_THAT(causal.message(), HasSubstr("attends to later tokens"));
}

TEST_F(ImportTest, RopeScalingOfOtherKindsIsRefused) {
  const Status yarn =
      refusal([](GgufWriter& writer) { writer.set_string("llama.rope.scaling.type", "yarn"); });
  EXPECT_EQ(yarn.code(), Code::kUnsupported);
  EXPECT_THAT(yarn.message(), HasSubstr("RoPE scaling of type 'yarn' is not known"));
  const Status factor = refusal([](GgufWriter& writer) {
    writer.set_string("llama.rope.scaling.type", "linear");
    writer.set_f32("llama.rope.scaling.factor", std::numeric_limits<float>::quiet_NaN());
  });
  EXPECT_THAT(factor.message(), HasSubstr("wanted 1 to 4096"));
}

TEST_F(ImportTest, MissingAndUnknownTensorsAreNamed) {
  const Status missing =
      refusal([](GgufWriter& writer) { writer.remove_tensor("blk.1.ffn_up.weight"); });
  EXPECT_EQ(missing.code(), Code::kCorrupt);
  EXPECT_THAT(missing.message(), HasSubstr("tensor 'blk.1.ffn_up.weight' is missing"));
  const Status more =
      refusal([](GgufWriter& writer) { writer.add_random("blk.0.attn_q.bias", "f32", {128}, 1); });
  EXPECT_EQ(more.code(), Code::kUnsupported);
  EXPECT_THAT(more.message(), HasSubstr("tensor 'blk.0.attn_q.bias' belongs to no layer"));
}

TEST_F(ImportTest, TensorsOfWrongShapeOrFormatAreNamed) {
  const Status shape = refusal([](GgufWriter& writer) {
    writer.remove_tensor("blk.0.attn_k.weight");
    writer.add_random("blk.0.attn_k.weight", "f32", {64, 32}, 1);
  });
  EXPECT_EQ(shape.code(), Code::kCorrupt);
  EXPECT_THAT(shape.message(),
              HasSubstr("tensor 'blk.0.attn_k.weight' has the shape [64, 32], wanted [64, 64]"));
  const Status format = refusal([](GgufWriter& writer) {
    writer.remove_tensor("blk.0.attn_k.weight");
    writer.add_tensor("blk.0.attn_k.weight", 24, {64, 64}, std::string(64 * 64, '\1'));
  });
  EXPECT_EQ(format.code(), Code::kUnsupported);
  EXPECT_THAT(format.message(), HasSubstr("is stored as i8, which axle cannot read"));
}

TEST_F(ImportTest, NumbersThatAreNotFiniteAreRefused) {
  const Status status = refusal([](GgufWriter& writer) {
    writer.remove_tensor("blk.1.attn_norm.weight");
    const float bad = std::numeric_limits<float>::infinity();
    std::string data(64 * sizeof bad, '\0');
    std::memcpy(data.data() + 20, &bad, sizeof bad);
    writer.add_tensor("blk.1.attn_norm.weight", 0, {64}, data);
  });
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_THAT(status.message(),
              HasSubstr("tensor 'blk.1.attn_norm.weight': it holds a number that is infinite"));
}

TEST_F(ImportTest, MissingAndImpossibleKeysAreNamed) {
  const auto without = [this](const std::string& key) {
    const Status status = refusal([&key](GgufWriter& writer) { writer.remove(key); });
    EXPECT_EQ(status.code(), Code::kCorrupt) << status;
    EXPECT_THAT(status.message(), HasSubstr("key '" + key + "' is missing"));
  };
  without("general.architecture");
  without("llama.block_count");
  without("llama.embedding_length");
  without("llama.context_length");
  without("llama.attention.layer_norm_rms_epsilon");
  without("tokenizer.ggml.model");
  without("tokenizer.ggml.tokens");
  const Status heads =
      refusal([](GgufWriter& writer) { writer.set_u32("llama.attention.head_count_kv", 3); });
  EXPECT_THAT(heads.message(), HasSubstr("4 heads, 3 K/V heads and 32 numbers a head do not fit"));
}

TEST_F(ImportTest, TextPartsThatCannotWorkAreRefused) {
  const Status model =
      refusal([](GgufWriter& writer) { writer.set_string("tokenizer.ggml.model", "bert"); });
  EXPECT_EQ(model.code(), Code::kUnsupported);
  EXPECT_THAT(model.message(), HasSubstr("the vocabulary: "));
  const Status eos =
      refusal([](GgufWriter& writer) { writer.set_u32("tokenizer.ggml.eos_token_id", 279); });
  EXPECT_THAT(eos.message(),
              HasSubstr("'tokenizer.ggml.eos_token_id' is 279, wanted a number below 279"));
  const Status broken =
      refusal([](GgufWriter& writer) { writer.set_string("tokenizer.chat_template", "{% if %}"); });
  EXPECT_EQ(broken.code(), Code::kCorrupt);
  EXPECT_THAT(broken.message(), HasSubstr("the chat template: "));
  const Status bytes =
      refusal([](GgufWriter& writer) { writer.set_string("tokenizer.chat_template", "abc\xff"); });
  EXPECT_THAT(bytes.message(), HasSubstr("is not UTF-8 at byte 3"));
}

TEST_F(ImportTest, RowsThatDoNotFillBlocksAreRefused) {
  TinyGgufOptions gguf;
  gguf.ffn = 80;
  const Status status = import_gguf(prepare(gguf)).status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("rows of 80 numbers; q8_0 needs a multiple of 32"));
}

}  // namespace
}  // namespace axle::package
