#include <algorithm>
#include <array>

#include "package/gguf.h"

namespace axle::package {
namespace {

// Source: ggml 0.25.3, ggml.h (numbers) and ggml-common.h (block sizes).
constexpr std::array kFormats = {
    GgmlFormat{0, "f32", 1, 4},         GgmlFormat{1, "f16", 1, 2},
    GgmlFormat{2, "q4_0", 32, 18},      GgmlFormat{3, "q4_1", 32, 20},
    GgmlFormat{6, "q5_0", 32, 22},      GgmlFormat{7, "q5_1", 32, 24},
    GgmlFormat{8, "q8_0", 32, 34},      GgmlFormat{9, "q8_1", 32, 36},
    GgmlFormat{10, "q2_K", 256, 84},    GgmlFormat{11, "q3_K", 256, 110},
    GgmlFormat{12, "q4_K", 256, 144},   GgmlFormat{13, "q5_K", 256, 176},
    GgmlFormat{14, "q6_K", 256, 210},   GgmlFormat{15, "q8_K", 256, 292},
    GgmlFormat{16, "iq2_xxs", 256, 66}, GgmlFormat{17, "iq2_xs", 256, 74},
    GgmlFormat{18, "iq3_xxs", 256, 98}, GgmlFormat{19, "iq1_s", 256, 50},
    GgmlFormat{20, "iq4_nl", 32, 18},   GgmlFormat{21, "iq3_s", 256, 110},
    GgmlFormat{22, "iq2_s", 256, 82},   GgmlFormat{23, "iq4_xs", 256, 136},
    GgmlFormat{24, "i8", 1, 1},         GgmlFormat{25, "i16", 1, 2},
    GgmlFormat{26, "i32", 1, 4},        GgmlFormat{27, "i64", 1, 8},
    GgmlFormat{28, "f64", 1, 8},        GgmlFormat{29, "iq1_m", 256, 56},
    GgmlFormat{30, "bf16", 1, 2},       GgmlFormat{34, "tq1_0", 256, 54},
    GgmlFormat{35, "tq2_0", 256, 66},   GgmlFormat{39, "mxfp4", 32, 17},
    GgmlFormat{40, "nvfp4", 64, 36},    GgmlFormat{41, "q1_0", 128, 18},
    GgmlFormat{42, "q2_0", 64, 18},
};

}  // namespace

const GgmlFormat* find_ggml_format(std::uint32_t id) {
  const auto* found = std::find_if(kFormats.begin(), kFormats.end(),
                                   [id](const GgmlFormat& format) { return format.id == id; });
  return found == kFormats.end() ? nullptr : found;
}

}  // namespace axle::package
