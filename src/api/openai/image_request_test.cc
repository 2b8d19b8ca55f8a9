#include "api/openai/image_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/multipart.h"

namespace axle::api {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::string_view kJson = "application/json";

// A request to generate with further fields.
std::string body(const std::string& fields) {
  return R"({"prompt":"cat")" + (fields.empty() ? "" : "," + fields) + "}";
}

ImageRequest parsed(const std::string& text, ImageTask task = ImageTask::kGenerate) {
  Parsed<ImageRequest> result = parse_image_request(task, kJson, text);
  EXPECT_TRUE(result.ok()) << text << ": " << result.error().status;
  return result.value();
}

// "param code: message" of the refusal.
std::string refused(const std::string& text, ImageTask task = ImageTask::kGenerate) {
  const Parsed<ImageRequest> result = parse_image_request(task, kJson, text);
  EXPECT_FALSE(result.ok()) << text;
  const RequestError& error = result.error();
  return error.param + " " + error.code + ": " + error.status.message();
}
std::string refused_field(const std::string& fields) { return refused(body(fields)); }

Parsed<ImageRequest> parse_form(ImageTask task, const std::vector<http::FormPart>& parts) {
  const http::Form form = http::write_multipart(parts);
  return parse_image_request(task, form.content_type, form.body);
}

TEST(ImageRequestTest, EveryFieldArrivesInItsPlace) {
  const ImageRequest request = parsed(body(
      R"("model":"m","negative_prompt":"dog","n":3,"size":"96x64","steps":2,"cfg_scale":1.5,
         "seed":7,"stream":true,"partial_images":2,"quality":"high","style":"vivid",
         "background":"opaque","moderation":"low","input_fidelity":"high","user":"me",
         "output_format":"webp","output_compression":80,"replace_key":"kiosk","priority":-3,
         "deadline_s":1.5,"output_width":240,"output_height":200,"fit":"pad","gamma":1.8,
         "dither":"bayer","inverted":true,"unknown":{})"));
  EXPECT_EQ(request.model, "m");
  EXPECT_EQ(request.prompt, "cat");
  EXPECT_EQ(request.negative_prompt, "dog");
  EXPECT_EQ(request.count, 3);
  EXPECT_EQ(request.size, (image::Size{96, 64}));
  EXPECT_EQ(request.steps, 2);
  EXPECT_EQ(request.guidance, 1.5);
  EXPECT_EQ(request.seed, 7u);
  EXPECT_TRUE(request.stream);
  EXPECT_EQ(request.partial_pictures, 2);
  EXPECT_EQ(request.quality, "high");
  EXPECT_EQ(request.output.form, pictures::Form::kWebp);
  EXPECT_EQ(request.output.quality, 80);
  EXPECT_EQ(request.replace_key, "kiosk");
  EXPECT_EQ(request.priority, -3);
  EXPECT_EQ(request.deadline, milliseconds(1500));
  EXPECT_EQ(request.output.size, (image::Size{240, 200}));
  EXPECT_EQ(request.output.fit, pictures::Fit::kPad);
  EXPECT_EQ(request.output.gamma, 1.8);
  EXPECT_EQ(request.output.dither, image::Dither::kBayer8);
  EXPECT_TRUE(request.output.inverted);
}

TEST(ImageRequestTest, AbsentAndNullFieldsHaveTheDefaultsOfOpenAi) {
  for (const std::string& text :
       {body(""), body(R"("n":null,"size":null,"seed":null,"strength":null)"),
        body(R"("size":"auto","seed":-1)")}) {
    const ImageRequest request = parsed(text);
    EXPECT_EQ(request.count, 1);
    EXPECT_EQ(request.size, std::nullopt);
    EXPECT_EQ(request.steps, std::nullopt);
    EXPECT_EQ(request.seed, std::nullopt);
    EXPECT_EQ(request.strength, std::nullopt);
    EXPECT_EQ(request.guidance, 1.0);
    EXPECT_FALSE(request.as_url || request.stream);
    EXPECT_EQ(request.output.form, pictures::Form::kPng);
    EXPECT_EQ(request.output.quality, 100);
    EXPECT_EQ(request.output.size, std::nullopt);
  }
}

TEST(ImageRequestTest, NamesOfOtherServersMeanTheSame) {
  const ImageRequest request =
      parsed(body(R"("num_inference_steps":4,"guidance_scale":2,"rng_seed":18446744073709551615)"));
  EXPECT_EQ(request.steps, 4);
  EXPECT_EQ(request.guidance, 2.0);
  EXPECT_EQ(request.seed, 18446744073709551615u);
  EXPECT_THAT(refused_field(R"("steps":1,"num_inference_steps":1)"),
              HasSubstr("'steps' and 'num_inference_steps' mean the same"));
  EXPECT_THAT(refused_field(R"("cfg_scale":1,"guidance_scale":1)"), HasSubstr("mean the same"));
  EXPECT_THAT(refused_field(R"("seed":1,"rng_seed":1)"), HasSubstr("mean the same"));
}

TEST(ImageRequestTest, FormsOfDisplaysHaveTheirNames) {
  EXPECT_EQ(parsed(body(R"("output_format":"rgb565")")).output.form,
            pictures::Form::kRgb565BigEndian);
  EXPECT_EQ(parsed(body(R"("output_format":"1bit")")).output.form, pictures::Form::kMono);
  EXPECT_EQ(parsed(body(R"("output_format":"jpg","output_compression":0)")).output.quality, 1);
}

TEST(ImageRequestTest, ValuesOutOfTheirRangeAreRefusedWithWhatWasWantedAndFound) {
  EXPECT_EQ(refused_field(R"("n":0)"), "n invalid_value: 'n' must be between 1 and 10, found 0");
  EXPECT_EQ(refused_field(R"("n":11)"), "n invalid_value: 'n' must be between 1 and 10, found 11");
  EXPECT_EQ(refused_field(R"("n":"2")"), "n invalid_value: 'n' must be an integer, found a string");
  EXPECT_EQ(refused_field(R"("steps":0)"),
            "steps invalid_value: 'steps' must be between 1 and 2147483647, found 0");
  EXPECT_EQ(refused_field(R"("cfg_scale":-1)"),
            "cfg_scale invalid_value: 'cfg_scale' must be between 0 and 2, found -1");
  EXPECT_EQ(refused_field(R"("output_compression":101)"),
            "output_compression invalid_value: 'output_compression' must be between 0 and 100, "
            "found 101");
  EXPECT_EQ(refused_field(R"("stream":true,"partial_images":4)"),
            "partial_images invalid_value: 'partial_images' must be between 0 and 3, found 4");
  EXPECT_THAT(refused_field(R"("gamma":0)"), HasSubstr("'gamma' must be between 0.1 and 10"));
  EXPECT_THAT(refused_field(R"("priority":1001)"), HasSubstr("between -1000 and 1000"));
  EXPECT_THAT(refused_field(R"("deadline_s":0)"), HasSubstr("must be above 0"));
  EXPECT_THAT(refused_field(R"("output_width":8193,"output_height":1)"),
              HasSubstr("between 1 and 8192"));
  EXPECT_THAT(refused_field(R"("seed":-2)"), HasSubstr("or -1 for any, found -2"));
  EXPECT_THAT(refused_field(R"("seed":1.5)"), HasSubstr("must be a whole number"));
  EXPECT_THAT(refused_field(R"("seed":"a")"), HasSubstr("found a string"));
}

TEST(ImageRequestTest, UnknownValuesOfKnownFieldsAreRefusedWithThoseThereAre) {
  EXPECT_EQ(refused_field(R"("quality":"best")"),
            "quality invalid_value: 'quality' must be one of auto, low, medium, high, standard, "
            "hd, found \"best\"");
  EXPECT_THAT(refused_field(R"("style":"dark")"), HasSubstr("vivid, natural, found \"dark\""));
  EXPECT_THAT(refused_field(R"("moderation":"off")"), HasSubstr("auto, low, found"));
  EXPECT_THAT(refused_field(R"("input_fidelity":"x")"), HasSubstr("high, low, found"));
  EXPECT_THAT(refused_field(R"("background":"red")"), HasSubstr("auto, opaque, transparent"));
  EXPECT_THAT(refused_field(R"("output_format":"gif")"),
              HasSubstr("png, jpeg, webp, rgb888, rgb565, mono, grey4, grey16, found \"gif\""));
  EXPECT_THAT(refused_field(R"("response_format":"png")"), HasSubstr("b64_json, url, found"));
  EXPECT_THAT(refused_field(R"("fit":"zoom")"), HasSubstr("stretch, crop, pad, found \"zoom\""));
  EXPECT_THAT(refused_field(R"("dither":"x")"), HasSubstr("none, floyd-steinberg, bayer, found"));
  EXPECT_THAT(refused_field(R"("user":7)"), HasSubstr("'user' must be a string"));
}

TEST(ImageRequestTest, SizesThatAreNoneAreRefused) {
  for (const char* size : {"", "512", "x", "512x", "x512", "512x512x3", "0x64", "-64x64", " 64x64",
                           "99999999999x64", "big"}) {
    EXPECT_THAT(refused_field(std::string(R"("size":")") + size + "\""),
                HasSubstr("size invalid_value: 'size' must be auto or like 512x512"));
  }
}

TEST(ImageRequestTest, WhatDoesNotGoTogetherIsRefused) {
  EXPECT_THAT(refused_field(R"("background":"transparent")"),
              HasSubstr("background unsupported: 'background' transparent is not supported"));
  EXPECT_THAT(refused_field(R"("partial_images":1)"), HasSubstr("needs 'stream' to be true"));
  EXPECT_THAT(refused_field(R"("stream":true,"response_format":"url")"),
              HasSubstr("response_format invalid_value: 'response_format' of a stream"));
  EXPECT_THAT(refused_field(R"("output_compression":50)"),
              HasSubstr("needs the 'output_format' jpeg or webp, found 50 with png"));
  EXPECT_THAT(refused_field(R"("output_width":64)"), HasSubstr("output_height invalid_value"));
  EXPECT_THAT(refused_field(R"("output_height":64)"), HasSubstr("output_width invalid_value"));
}

TEST(ImageRequestTest, PromptsAreNeededAndBounded) {
  EXPECT_THAT(refused("{}"), HasSubstr("prompt invalid_value: 'prompt' is missing"));
  EXPECT_THAT(refused(R"({"prompt":""})"), HasSubstr("'prompt' is missing"));
  EXPECT_THAT(refused(R"({"prompt":["a"]})"), HasSubstr("'prompt' must be a string"));
  std::string long_one;
  for (std::size_t i = 0; i < kMaxPromptCharacters; ++i) long_one += "é";
  EXPECT_EQ(parsed(R"({"prompt":")" + long_one + "\"}").prompt, long_one);
  EXPECT_THAT(refused(R"({"prompt":")" + long_one + "a\"}"),
              HasSubstr("has 32001 characters, at most 32000"));
  EXPECT_THAT(refused_field(R"("negative_prompt":")" + long_one + "a\""),
              HasSubstr("'negative_prompt' has 32001"));
  EXPECT_THAT(refused_field(R"("replace_key":")" + std::string(257, 'k') + "\""),
              HasSubstr("'replace_key' has 257 bytes, at most 256"));
}

TEST(ImageRequestTest, BodiesThatAreNoObjectAreRefused) {
  EXPECT_THAT(refused("{"), HasSubstr(" invalid_json: the body is not valid JSON"));
  EXPECT_THAT(refused("[]"), HasSubstr("must be a JSON object, found an array"));
}

// A prompt with what clients of stable-diffusion.cpp's server write into it.
std::string with_extra_args(const std::string& args, const std::string& fields = "") {
  return R"({"prompt":"a cat <sd_cpp_extra_args>)" + args + R"(</sd_cpp_extra_args>!")" + fields +
         "}";
}

TEST(ImageRequestTest, ExtraArgumentsInThePromptAreFields) {
  const ImageRequest plain = parsed(with_extra_args(
      R"({\"seed\":7,\"steps\":2,\"cfg_scale\":1.5,\"negative_prompt\":\"dog\",\"x\":1})"));
  EXPECT_EQ(plain.prompt, "a cat !");
  EXPECT_EQ(plain.seed, 7u);
  EXPECT_EQ(plain.steps, 2);
  EXPECT_EQ(plain.guidance, 1.5);
  EXPECT_EQ(plain.negative_prompt, "dog");
  const ImageRequest nested = parsed(
      with_extra_args(R"({\"sample_params\":{\"sample_steps\":4,\"guidance\":{\"txt_cfg\":2}}})"));
  EXPECT_EQ(nested.steps, 4);
  EXPECT_EQ(nested.guidance, 2.0);
  EXPECT_EQ(parsed(with_extra_args(R"({\"seed\":7})", R"(,"seed":8)")).seed, 8u)
      << "A field of the request wins.";
}

TEST(ImageRequestTest, ExtraArgumentsThatCannotBeReadAreRefused) {
  EXPECT_THAT(refused(R"({"prompt":"cat <sd_cpp_extra_args>{}"})"),
              HasSubstr("prompt invalid_value: 'prompt' has <sd_cpp_extra_args> without"));
  EXPECT_THAT(refused(with_extra_args("{")), HasSubstr("prompt invalid_value: "));
  EXPECT_THAT(refused(with_extra_args("7")), HasSubstr("must be a JSON object, found an integer"));
  EXPECT_THAT(refused(with_extra_args(R"({\"steps\":\"x\"})")),
              HasSubstr("'steps' must be an integer, found a string"));
}

TEST(ImageRequestTest, AnEditInJsonBringsPicturesAsTexts) {
  const auto edit = [](const std::string& fields) {
    return parsed(body(fields), ImageTask::kEdit);
  };
  const ImageRequest request = edit(R"("image":"data:,x","mask":"abc","strength":0.5)");
  EXPECT_EQ(request.picture.content, "data:,x");
  EXPECT_FALSE(request.picture.is_file);
  EXPECT_EQ(request.mask.content, "abc");
  EXPECT_EQ(request.strength, 0.5);
  EXPECT_EQ(edit(R"("image":["one"])").picture.content, "one");
  EXPECT_EQ(edit(R"("images":[{"image_url":"one"}],"mask":{"image_url":"m"})").mask.content, "m");
}

TEST(ImageRequestTest, AnEditNeedsOnePicture) {
  const auto edit = [](const std::string& fields) {
    return refused(body(fields), ImageTask::kEdit);
  };
  EXPECT_THAT(edit(""), HasSubstr("image invalid_value: 'image' is missing"));
  EXPECT_THAT(edit(R"("image":"")"), HasSubstr("'image' is missing"));
  EXPECT_THAT(edit(R"("image":[])"), HasSubstr("'image' is missing"));
  EXPECT_THAT(edit(R"("image":["a","b"])"), HasSubstr("has 2 pictures"));
  EXPECT_THAT(edit(R"("image":7)"), HasSubstr("found an integer"));
  EXPECT_THAT(edit(R"("image":{"x":1})"), HasSubstr("found an object"));
  EXPECT_THAT(edit(R"("image":{"file_id":"f"})"), HasSubstr("image unsupported: 'file_id'"));
  EXPECT_THAT(edit(R"("image":"a","mask":["b","c"])"), HasSubstr("found an array"));
  EXPECT_THAT(edit(R"("image":"a","strength":1.1)"), HasSubstr("between 0 and 1"));
}

TEST(ImageRequestTest, AFormSaysTheSameAsJson) {
  Parsed<ImageRequest> result = parse_form(
      ImageTask::kEdit,
      {{.name = "image[]", .filename = "a.png", .content_type = "image/png", .body = "pixels"},
       {.name = "mask", .filename = "", .body = "m"},
       {.name = "prompt", .body = "cat"},
       {.name = "n", .body = "2"},
       {.name = "size", .body = "64x64"},
       {.name = "stream", .body = "True"},
       {.name = "strength", .body = "0.25"},
       {.name = "seed", .body = "7"},
       {.name = "quality", .body = ""},
       {.name = "other", .filename = "x", .body = "y"}});
  ASSERT_TRUE(result.ok()) << result.error().status;
  const ImageRequest& request = result.value();
  EXPECT_EQ(request.picture.content, "pixels");
  EXPECT_TRUE(request.picture.is_file);
  EXPECT_TRUE(request.mask.is_file);
  EXPECT_EQ(request.prompt, "cat");
  EXPECT_EQ(request.count, 2);
  EXPECT_EQ(request.size, (image::Size{64, 64}));
  EXPECT_TRUE(request.stream);
  EXPECT_EQ(request.strength, 0.25);
  EXPECT_EQ(request.seed, 7u);
}

TEST(ImageRequestTest, APictureInAFieldWithoutANameOfAFileIsTextUnlessItIsAFile) {
  Parsed<ImageRequest> text =
      parse_form(ImageTask::kVary, {{.name = "image", .body = "data:image/png;base64,AAAA"}});
  ASSERT_TRUE(text.ok()) << text.error().status;
  EXPECT_FALSE(text.value().picture.is_file);
  Parsed<ImageRequest> file = parse_form(
      ImageTask::kVary, {{.name = "image", .body = std::string_view("\x89PNG\r\n\x1a\n....", 12)}});
  ASSERT_TRUE(file.ok()) << file.error().status;
  EXPECT_TRUE(file.value().picture.is_file);
}

TEST(ImageRequestTest, AFormWithAWrongFieldIsRefused) {
  const auto refusal = [](const std::vector<http::FormPart>& parts) {
    const Parsed<ImageRequest> result = parse_form(ImageTask::kEdit, parts);
    EXPECT_FALSE(result.ok());
    return result.error().param + ": " + result.error().status.message();
  };
  EXPECT_EQ(refusal({{.name = "n", .body = "two"}}), "n: 'n' must be a number, found \"two\"");
  EXPECT_EQ(refusal({{.name = "n", .body = "true"}}), "n: 'n' must be a number, found \"true\"");
  EXPECT_EQ(refusal({{.name = "stream", .body = "1"}}),
            "stream: 'stream' must be true or false, found \"1\"");
  const http::FormPart picture{.name = "image", .filename = "a", .body = "a"};
  EXPECT_THAT(refusal({picture, picture, {.name = "prompt", .body = "cat"}}),
              HasSubstr("'image' has 2 pictures"));
  const http::FormPart mask{.name = "mask", .filename = "a", .body = "a"};
  EXPECT_THAT(refusal({picture, mask, mask, {.name = "prompt", .body = "cat"}}),
              HasSubstr("'mask' must be one picture, found 2"));
  EXPECT_THAT(
      parse_image_request(ImageTask::kEdit, "Multipart/Form-Data", "x").error().status.message(),
      HasSubstr("boundary"));
}

TEST(ImageRequestTest, AVariationNeedsNoPromptAndTakesNoMask) {
  const ImageRequest request = parsed(R"({"image":"a","mask":"b"})", ImageTask::kVary);
  EXPECT_EQ(request.prompt, "");
  EXPECT_TRUE(request.mask.empty());
}

}  // namespace
}  // namespace axle::api
