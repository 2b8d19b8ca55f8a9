#include "pictures/infotext.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace axle::pictures {
namespace {

Infotext cat() {
  Infotext picture;
  picture.prompt = "a cat";
  picture.steps = 4;
  picture.seed = 42;
  picture.width = 512;
  picture.height = 768;
  picture.version = "axle 0.1.0";
  return picture;
}

std::string value_of(const ParsedInfotext& parsed, std::string_view key) {
  const std::string* value = parsed.find(key);
  return value == nullptr ? "(none)" : *value;
}

std::string value_of(std::string_view text, std::string_view key) {
  return value_of(parse_infotext(text), key);
}

// A last line that is one: three pairs before `rest`.
std::string line(std::string_view rest) {
  return "p\nSteps: 1, Sampler: LCM, Seed: 2, " + std::string(rest);
}

TEST(WriteInfotextTest, PlainPictureHasItsPromptAndOneLine) {
  EXPECT_EQ(write_infotext(cat()),
            "a cat\n"
            "Steps: 4, Sampler: LCM, CFG scale: 1.0, Seed: 42, Size: 512x768, RNG: CPU, "
            "Version: axle 0.1.0");
}

TEST(WriteInfotextTest, KeysStandInTheOrderOfA1111) {
  Infotext picture = cat();
  picture.negative_prompt = "dogs\nand more";
  picture.schedule_type = "Automatic";
  picture.model_hash = "0123456789";
  picture.model = "dreamshaper";
  picture.variation = Variation{7, 0.25};
  picture.denoising_strength = 0.5;
  picture.init_image_hash = "abc";
  picture.extras = {{"Mask blur", "4"}, {"Noted", "Noted"}};
  EXPECT_EQ(write_infotext(picture),
            "a cat\n"
            "Negative prompt: dogs\nand more\n"
            "Steps: 4, Sampler: LCM, Schedule type: Automatic, CFG scale: 1.0, Seed: 42, "
            "Size: 512x768, Model hash: 0123456789, Model: dreamshaper, Variation seed: 7, "
            "Variation seed strength: 0.25, Denoising strength: 0.5, Init image hash: abc, "
            "RNG: CPU, Mask blur: 4, Noted, Version: axle 0.1.0");
}

TEST(WriteInfotextTest, VariationOfNoStrengthIsNotTold) {
  Infotext picture = cat();
  picture.variation = Variation{7, 0.0};
  EXPECT_EQ(write_infotext(picture).find("Variation"), std::string::npos);
}

TEST(WriteInfotextTest, PictureWithoutPromptIsOneLine) {
  Infotext picture = cat();
  picture.prompt.clear();
  EXPECT_EQ(write_infotext(picture).substr(0, 8), "Steps: 4");
}

TEST(WriteInfotextTest, ValuesThatWouldBeMisreadAreJsonStrings) {
  const auto written = [](const std::string& model) {
    Infotext picture = cat();
    picture.model = model;
    const std::string text = write_infotext(picture);
    const std::size_t begin = text.find("Model: ") + 7;
    return text.substr(begin, text.find(", RNG") - begin);
  };
  EXPECT_EQ(written("plain model"), "plain model");
  EXPECT_EQ(written("a, b"), R"("a, b")");
  EXPECT_EQ(written("a:b"), R"("a:b")");
  EXPECT_EQ(written("a\nb"), R"("a\nb")");
  EXPECT_EQ(written(R"(say "x", y)"), R"("say \"x\", y")");
  EXPECT_EQ(written(R"("quoted")"), R"("\"quoted\"")");
  EXPECT_EQ(written(" blank"), R"(" blank")");
  EXPECT_EQ(written("größe, ä"), R"("größe, ä")");
}

TEST(WriteInfotextTest, FractionsAreWrittenAsPythonDoes) {
  EXPECT_EQ(python_float(7), "7.0");
  EXPECT_EQ(python_float(1.5), "1.5");
  EXPECT_EQ(python_float(0.1), "0.1");
  EXPECT_EQ(python_float(-3), "-3.0");
  EXPECT_EQ(python_float(1e-7), "1e-07");
}

TEST(ParseInfotextTest, ReadsTheTextOfA1111sOwnExample) {
  const ParsedInfotext parsed = parse_infotext(
      "girl with an artist's beret, determined, ((eyeshadow)), detailed\n"
      "Negative prompt: ugly, fat, (((deformed))), [blurry]\n"
      "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512, "
      "Model hash: 45dee52b");
  EXPECT_EQ(value_of(parsed, "Prompt"),
            "girl with an artist's beret, determined, ((eyeshadow)), detailed");
  EXPECT_EQ(value_of(parsed, "Negative prompt"), "ugly, fat, (((deformed))), [blurry]");
  EXPECT_EQ(value_of(parsed, "Steps"), "20");
  EXPECT_EQ(value_of(parsed, "Sampler"), "Euler a");
  EXPECT_EQ(value_of(parsed, "CFG scale"), "7");
  EXPECT_EQ(value_of(parsed, "Seed"), "965400086");
  EXPECT_EQ(value_of(parsed, "Size-1"), "512");
  EXPECT_EQ(value_of(parsed, "Size-2"), "512");
  EXPECT_EQ(parsed.find("Size"), nullptr);
  EXPECT_EQ(value_of(parsed, "Model hash"), "45dee52b");
}

TEST(ParseInfotextTest, FillsInWhatIsAbsent) {
  const ParsedInfotext parsed = parse_infotext("");
  const std::vector<InfotextField> wanted = {{"Prompt", ""},
                                             {"Negative prompt", ""},
                                             {"Clip skip", "1"},
                                             {"Hires resize-1", "0", true},
                                             {"Hires resize-2", "0", true},
                                             {"Hires sampler", "Use same sampler"},
                                             {"Hires checkpoint", "Use same checkpoint"},
                                             {"Hires prompt", ""},
                                             {"Hires negative prompt", ""},
                                             {"Mask mode", "Inpaint masked"},
                                             {"Masked content", "original"},
                                             {"Inpaint area", "Whole picture"},
                                             {"Masked area padding", "32", true},
                                             {"RNG", "GPU"},
                                             {"Schedule type", "Automatic"},
                                             {"Schedule max sigma", "0", true},
                                             {"Schedule min sigma", "0", true},
                                             {"Schedule rho", "0", true},
                                             {"VAE Encoder", "Full"},
                                             {"VAE Decoder", "Full"},
                                             {"FP8 weight", "Disable"}};
  EXPECT_EQ(parsed.fields, wanted);
}

TEST(ParseInfotextTest, WhatIsThereIsNotFilledIn) {
  const ParsedInfotext parsed = parse_infotext(line("RNG: CPU, Clip skip: 2, Hires resize: 8x9"));
  EXPECT_EQ(value_of(parsed, "RNG"), "CPU");
  EXPECT_EQ(value_of(parsed, "Clip skip"), "2");
  EXPECT_EQ(value_of(parsed, "Hires resize-1"), "8");
  EXPECT_EQ(value_of(parsed, "Hires resize-2"), "9");
}

TEST(ParseInfotextTest, FewerThanThreePairsAreOfThePrompt) {
  EXPECT_EQ(value_of("a cat\nlens: 50mm, light: soft", "Prompt"), "a cat\nlens: 50mm, light: soft");
  EXPECT_EQ(value_of("Steps: 1, Seed: 2", "Prompt"), "Steps: 1, Seed: 2");
  EXPECT_EQ(value_of("Steps: 1, Seed: 2, Size: 3x4", "Prompt"), "");
}

TEST(ParseInfotextTest, LinesAreTrimmedAndEmptyOnesKept) {
  EXPECT_EQ(value_of(" \n a \n\n b\t\n" + line("x y: 1"), "Prompt"), "a\n\nb\np");
  EXPECT_EQ(value_of("a\n Negative prompt:  b \n c\n" + line("x y: 1"), "Negative prompt"),
            "b\nc\np");
  EXPECT_EQ(value_of("\u3000a\u00a0", "Prompt"), "a");
}

TEST(ParseInfotextTest, QuotedValuesMayHoldCommasAndQuotationMarks) {
  EXPECT_EQ(value_of(line(R"(Model: "a, \"b\": c", Clip skip: 3)"), "Model"), R"(a, "b": c)");
  EXPECT_EQ(value_of(line(R"(Model: "a, \"b\": c", Clip skip: 3)"), "Clip skip"), "3");
  EXPECT_EQ(value_of(line(R"(Model: "tail" end, X y: 1)"), "Model"), R"("tail" end)");
  EXPECT_EQ(value_of(line(R"(Model: "open, X y: 1)"), "Model"), R"("open)");
  EXPECT_EQ(value_of(line(R"(Model: "bad \x escape")"), "Model"), R"("bad \x escape")");
  EXPECT_EQ(value_of(line(R"(Model: "")"), "Model"), "");
  EXPECT_EQ(value_of(line("Model: \""), "Model"), "\"");
  EXPECT_EQ(value_of(line("Model: \"a\\"), "Model"), "\"a\\");
}

TEST(ParseInfotextTest, KeysAreRunsOfWordsOfTwoCharactersAtLeast) {
  EXPECT_EQ(value_of(line("Lora hashes/a-b c: 1"), "Lora hashes/a-b c"), "1");
  EXPECT_EQ(value_of(line("(x) key one: 1"), "key one"), "1");
  EXPECT_EQ(value_of(line("- key: 1"), "key"), "1");
  EXPECT_EQ(value_of(line("a: 1"), "a"), "(none)");
  EXPECT_EQ(value_of(line("Größe: 1"), "Größe"), "1");
  EXPECT_EQ(value_of(line("é: 1"), "é"), "(none)");
  EXPECT_EQ(value_of(line("x\u00a0key:\u30001"), "key"), "1");
  EXPECT_EQ(value_of(line("Time: 1:2"), "Time"), "1:2");
}

TEST(ParseInfotextTest, EmptyValuesAreLeftOutAndLaterOnesWin) {
  EXPECT_EQ(value_of(line("VAE: , X y: 1"), "VAE"), "(none)");
  EXPECT_EQ(value_of(line("X y: 1"), "X y"), "1");
  EXPECT_EQ(value_of(line("Seed: 9"), "Seed"), "9");
  EXPECT_EQ(value_of(line("Wide: 12x"), "Wide"), "12x");
}

TEST(ParseInfotextTest, TimeGrowsWithTheTextOnly) {
  const std::string run(1 << 20, 'a');
  EXPECT_EQ(value_of(run, "Prompt"), run);
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "key " + std::to_string(i) + ": 1, ";
  EXPECT_EQ(value_of(many, "key 99999"), "1");
}

// Texts of pieces that matter to the parser.
class RandomText {
 public:
  explicit RandomText(unsigned seed) : random_(seed) {}

  std::string operator()(int pieces) {
    static const std::vector<std::string> kPieces = {"a", "cat", ",",  ":",        "\"",      "\\",
                                                     " ", "é",   "\n", "12x3",     "😀",       "{",
                                                     "-", "/",   "\t", "Steps: 1", "x y: 2, "};
    std::string text;
    for (int i = 0; i < pieces; ++i) text += kPieces[random_() % kPieces.size()];
    return text;
  }

 private:
  std::mt19937 random_;
};

TEST(InfotextRoundTripTest, WhatIsWrittenIsRead) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    RandomText text(seed);
    Infotext picture = cat();
    picture.prompt = *parse_infotext("x" + text(6) + "x").find("Prompt") + "x";
    picture.negative_prompt = "y" + *parse_infotext(text(3)).find("Prompt") + "y";
    picture.model = "m" + text(4);
    picture.extras = {{"An extra", "\"" + text(4)}, {"One more", text(3) + "z"}};
    picture.variation = Variation{seed, 0.5};
    const std::string written = write_infotext(picture);
    const ParsedInfotext parsed = parse_infotext(written);
    EXPECT_EQ(value_of(parsed, "Prompt"), picture.prompt) << written;
    EXPECT_EQ(value_of(parsed, "Negative prompt"), picture.negative_prompt) << written;
    EXPECT_EQ(value_of(parsed, "Model"), picture.model) << written;
    EXPECT_EQ(value_of(parsed, "An extra"), picture.extras[0].second) << written;
    EXPECT_EQ(value_of(parsed, "One more"), picture.extras[1].second) << written;
    EXPECT_EQ(value_of(parsed, "Variation seed"), std::to_string(seed)) << written;
    EXPECT_EQ(value_of(parsed, "Version"), "axle 0.1.0") << written;
  }
}

}  // namespace
}  // namespace axle::pictures
