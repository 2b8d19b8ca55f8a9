// Texts on the software card: whatever else happens, each is the one that the reference gives.
#include "llm/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "llm/testing/llm_fixture.h"

namespace axle::llm {
namespace {

using ::testing::HasSubstr;
using testing::Recorder;

class GeneratorTest : public testing::LlmTest {};

// ---- Every way of running steps.

struct Mode {
  const char* name;
  StepOptions options;
};
void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.name; }

class GeneratorModeTest : public testing::LlmTest, public ::testing::WithParamInterface<Mode> {};

TEST_P(GeneratorModeTest, TextsOfPromptsOfAllLengthsAreThoseOfTheReference) {
  load(tiny(), GetParam().options);
  for (const std::size_t length : {1u, 2u, 3u, 15u, 16u, 17u, 31u, 33u, 50u, 80u, 113u, 126u}) {
    const auto seed = static_cast<unsigned>(length);
    EXPECT_EQ(text_alone(request(length, seed)), truth(request(length, seed))) << length;
    EXPECT_EQ(text_alone(sampled(length, seed)), truth(sampled(length, seed))) << length;
  }
}

TEST_P(GeneratorModeTest, ConversationsThatTakeTurnsGetTheirOwnTexts) {
  load(tiny(), GetParam().options);
  Generator generator(*model, {});
  Recorder recorder;
  for (int i = 0; i < 6; ++i) {
    const auto length = static_cast<std::size_t>(3 + 5 * i);
    ASSERT_EQ(generator.add(id(i), sampled(length, static_cast<unsigned>(i))), Status());
    for (int step = 0; step < i; ++step) ASSERT_TRUE(generator.step(recorder).ok());
  }
  run(generator, recorder);
  for (int i = 0; i < 6; ++i) {
    const auto length = static_cast<std::size_t>(3 + 5 * i);
    EXPECT_EQ(recorder[i].ids, truth(sampled(length, static_cast<unsigned>(i)))) << i;
    EXPECT_NE(recorder[i].ids, recorder[(i + 1) % 6].ids);  // Else nothing was tested.
  }
}

INSTANTIATE_TEST_SUITE_P(
    Steps, GeneratorModeTest,
    ::testing::Values(Mode{"queued_copies", {Submission::kQueued, CellWrites::kCopy}},
                      Mode{"queued_in_place", {Submission::kQueued, CellWrites::kInPlace}},
                      Mode{"blocking_copies", {Submission::kBlocking, CellWrites::kCopy}},
                      Mode{"blocking_in_place", {Submission::kBlocking, CellWrites::kInPlace}},
                      Mode{"vendor_order", {.order = StepOrder::kVendor}}),
    [](const auto& it) { return it.param.name; });

TEST_F(GeneratorTest, ABeginningThatManyShareIsComputedOnce) {
  load(tiny());
  Generator generator(*model, {});
  Recorder recorder;
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < 5; ++i) {
    requests.push_back(sampled(48, 9));  // The same 48 tokens, then one of its own.
    requests.back().prompt.push_back(static_cast<TokenId>(i));
    ASSERT_EQ(generator.add(id(i), requests.back()), Status());
  }
  run(generator, recorder);
  std::int32_t computed = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(recorder[i].done.size(), 1u);
    const jobs::Usage& usage = recorder[i].done[0].usage;
    computed += usage.prompt_tokens - usage.cached_tokens;
    EXPECT_EQ(recorder[i].ids, truth(requests[static_cast<std::size_t>(i)])) << i;
  }
  EXPECT_EQ(computed, 49 + 4);
}

TEST_F(GeneratorTest, ItsSpeedIsKnownOnceItHasReadAndWritten) {
  load(tiny());
  Generator generator(*model, {});
  Recorder recorder;
  EXPECT_EQ(generator.load().speed.prompt_token_s, 0.0);
  ASSERT_EQ(generator.add(id(0), sampled(10, 0)), Status());
  ASSERT_TRUE(generator.step(recorder).ok());
  EXPECT_GT(generator.load().speed.prompt_token_s, 0.0);
  EXPECT_EQ(generator.load().speed.new_token_s, 0.0);  // The first token came with the prompt.
  run(generator, recorder);
  EXPECT_GT(generator.load().speed.new_token_s, 0.0);
}

TEST_F(GeneratorTest, NoMoreTextsRunAtOnceThanAllowed) {
  load(tiny());
  Generator generator(*model, {.max_running = 2});
  Recorder recorder;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(generator.add(id(i), sampled(10, static_cast<unsigned>(i))), Status());
  }
  for (bool more = true; more;) {
    const Result<bool> stepped = generator.step(recorder);
    ASSERT_TRUE(stepped.ok()) << stepped.status();
    more = *stepped;
    EXPECT_LE(generator.load().running, 2u);
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(recorder[i].ids, truth(sampled(10, static_cast<unsigned>(i)))) << i;
  }
}

// ---- Guesses.

TEST_F(GeneratorTest, GuessesThatHoldSaveStepsAndChangeNothing) {
  load(tiny());
  // A tiny model soon repeats itself when it is greedy: there is much to guess.
  GenerateRequest greedy = request(20, 3);
  greedy.max_new_tokens = 60;
  const std::vector<TokenId> expected = truth(greedy);
  const auto steps_with = [&](std::size_t max_drafts) {
    Generator generator(*model, {.max_drafts = max_drafts});
    Recorder recorder;
    EXPECT_EQ(generator.add(id(1), greedy), Status());
    int steps = 0;
    for (Result<bool> more = true; more.ok() && *more; ++steps) more = generator.step(recorder);
    EXPECT_EQ(recorder[1].ids, expected) << max_drafts;
    EXPECT_EQ(generator.load().cells_used, generator.load().cells_cached);
    return steps;
  };
  const int alone = steps_with(0);
  const int guessing = steps_with(8);
  EXPECT_LT(guessing, alone);
}

TEST_F(GeneratorTest, GuessesChangeNoSampledTextEither) {
  load(tiny());
  for (const unsigned seed : {1u, 2u, 3u, 4u}) {
    // The prompt repeats itself, so that there are guesses; most of them are wrong.
    GenerateRequest hot = sampled(12, seed);
    const std::vector<TokenId> once = hot.prompt;
    for (int i = 0; i < 4; ++i) hot.prompt.insert(hot.prompt.end(), once.begin(), once.end());
    EXPECT_EQ(text_alone(hot), truth(hot)) << seed;
  }
}

// ---- Every kind of package.

TEST_F(GeneratorTest, OtherArchitecturesGiveTheirReferenceToo) {
  for (const char* architecture : {"qwen2", "qwen3"}) {
    load(tiny(architecture));
    reference.reset();
    for (const unsigned seed : {1u, 2u, 3u}) {
      EXPECT_EQ(text_alone(sampled(40, seed)), truth(sampled(40, seed))) << architecture;
    }
    reference.reset();
    model.reset();
  }
}

TEST_F(GeneratorTest, PromptsBeyondTheLadderGoOnTokenByToken) {
  for (const std::vector<std::size_t>& ladder :
       {std::vector<std::size_t>{0}, std::vector<std::size_t>{0, 32}}) {
    load(tiny("llama", ladder));
    reference.reset();
    for (const std::size_t length : {16u, 17u, 49u, 100u}) {
      EXPECT_EQ(text_alone(sampled(length)), truth(sampled(length))) << length;
    }
    reference.reset();
    model.reset();
  }
}

TEST_F(GeneratorTest, TimingsTellHowMuchOfAPromptWasComputedTokenByToken) {
  load(tiny("llama", {0, 32}));
  const auto row_by_row = [&](std::size_t prompt_length) {
    Generator generator(*model, {});
    Recorder recorder;
    EXPECT_EQ(generator.add(id(1), request(prompt_length)), Status());
    run(generator, recorder);
    return recorder[1].done.at(0).timings.row_by_row;
  };
  EXPECT_EQ(row_by_row(33), 0);
  // The last chunk begins after at most 32 tokens; after how many depends on what steps cost.
  EXPECT_GE(row_by_row(100), 100 - 32 - 16);
  EXPECT_LT(row_by_row(100), 100 - 32);
}

// ---- Cells.

TEST_F(GeneratorTest, RequestsThatFindNoRoomWaitAndAreThenServed) {
  load(tiny());
  Generator generator(*model, {});
  Recorder recorder;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(generator.add(id(i), sampled(70, static_cast<unsigned>(i))), Status());
  }
  ASSERT_TRUE(generator.step(recorder).ok());
  EXPECT_EQ(generator.load().running, 1u);
  EXPECT_EQ(generator.load().waiting, 4u);
  run(generator, recorder);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(recorder[i].ids, truth(sampled(70, static_cast<unsigned>(i)))) << i;
  }
}

// The Recorder holds that progress only grows.
TEST_F(GeneratorTest, APromptThatIsPushedOutAndBeginsAgainTellsNoLessProgress) {
  load(tiny("llama", {0}));  // After the first chunk prompts go on token by token.
  Generator generator(*model, {.max_drafts = 0});
  Recorder recorder;
  for (int i = 0; i < 2; ++i) {
    GenerateRequest answer = sampled(10, static_cast<unsigned>(i));
    answer.max_new_tokens = 45;
    answer.priority = 1;
    ASSERT_EQ(generator.add(id(i), answer), Status());
  }
  ASSERT_EQ(generator.add(id(2), sampled(60, 7)), Status());
  bool pushed_out = false;
  for (bool more = true; more;) {
    const Result<bool> stepped = generator.step(recorder);
    ASSERT_TRUE(stepped.ok()) << stepped.status();
    more = *stepped;
    pushed_out = pushed_out || (!recorder[2].progress.empty() && generator.load().waiting > 0);
  }
  EXPECT_TRUE(pushed_out);  // Else it was not tried.
  EXPECT_EQ(recorder[2].ids, truth(sampled(60, 7)));
}

TEST_F(GeneratorTest, BanksThatOnlyRememberAreGivenBackToTheCard) {
  load(tiny());
  const std::uint64_t before = model->memory_bytes();
  Generator generator(*model, {.max_banks = 2});
  Recorder recorder;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(generator.add(id(i), sampled(70, static_cast<unsigned>(i))), Status());
  }
  ASSERT_TRUE(generator.step(recorder).ok());
  EXPECT_EQ(model->banks(), 2u);
  EXPECT_EQ(*generator.give_memory_back(), false) << "Texts run in both.";
  run(generator, recorder);
  EXPECT_EQ(*generator.give_memory_back(), true);
  EXPECT_EQ(model->memory_bytes(), before);
  ASSERT_EQ(generator.add(id(3), sampled(70, 1)), Status());
  run(generator, recorder);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(recorder[i].ids, truth(sampled(70, i == 3 ? 1 : static_cast<unsigned>(i)))) << i;
  }
}

TEST_F(GeneratorTest, TextsThatPushEachOtherOutStayTheSame) {
  load(tiny());
  Generator generator(*model, {});
  Recorder recorder;
  // Each starts small, and together they grow to several times the cells there are.
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < 5; ++i) {
    requests.push_back(sampled(8, static_cast<unsigned>(i)));
    requests.back().max_new_tokens = 100;
    requests.back().priority = i == 3 ? 1 : 0;
    ASSERT_EQ(generator.add(id(i), requests.back()), Status());
  }
  run(generator, recorder);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(recorder[i].ids, truth(requests[static_cast<std::size_t>(i)])) << i;
  }
}

TEST_F(GeneratorTest, AllCellsComeBackWhateverHappened) {
  load(tiny());
  for (const bool cache : {false, true}) {
    Generator generator(*model, {.max_requests = 8, .prefix_cache = cache});
    Recorder recorder;
    for (int i = 0; i < 8; ++i) {
      ASSERT_EQ(generator.add(id(i), sampled(10 + 6 * static_cast<std::size_t>(i))), Status());
    }
    for (int step = 0; step < 20; ++step) ASSERT_TRUE(generator.step(recorder).ok());
    for (int i = 0; i < 8; i += 2) generator.cancel(id(i));
    run(generator, recorder);
    const GeneratorLoad load = generator.load();
    EXPECT_EQ(load.running + load.waiting, 0u);
    EXPECT_EQ(load.cells_used, load.cells_cached);
    EXPECT_EQ(load.cells_used > 0, cache);
    EXPECT_EQ(load.cells_total, kCells);
  }
}

// ---- Cancelling and resuming.

TEST_F(GeneratorTest, CancelledRequestIsSilentAndTheOthersGoOnUndisturbed) {
  load(tiny());
  Generator generator(*model, {});
  Recorder recorder;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(generator.add(id(i), sampled(20, static_cast<unsigned>(i))), Status());
  }
  for (int step = 0; step < 6; ++step) ASSERT_TRUE(generator.step(recorder).ok());
  const std::size_t heard = recorder[1].ids.size();
  generator.cancel(id(1));
  EXPECT_EQ(generator.load().running, 2u);
  run(generator, recorder);
  EXPECT_EQ(recorder[1].ids.size(), heard);
  EXPECT_FALSE(recorder[1].ended());
  EXPECT_EQ(recorder[0].ids, truth(sampled(20, 0)));
  EXPECT_EQ(recorder[2].ids, truth(sampled(20, 2)));
}

TEST_F(GeneratorTest, CancelFreesCellsAtOnceAlsoBeforeTheFirstStepAndOfUnknownRequests) {
  load(tiny());
  Generator generator(*model, {.max_requests = 2, .prefix_cache = false});
  Recorder recorder;
  generator.cancel(id(77));
  ASSERT_EQ(generator.add(id(1), sampled(40)), Status());
  generator.cancel(id(1));
  ASSERT_EQ(generator.add(id(1), sampled(40)), Status());
  ASSERT_TRUE(generator.step(recorder).ok());
  EXPECT_EQ(generator.load().cells_used, 40u);
  generator.cancel(id(1));
  EXPECT_EQ(generator.load().cells_used, 0u);
  const Result<bool> more = generator.step(recorder);
  ASSERT_TRUE(more.ok());
  EXPECT_FALSE(*more);
}

TEST_F(GeneratorTest, TextResumedAtAnyTokenEndsAsTheUndisturbedOne) {
  load(tiny());
  const GenerateRequest whole = sampled(20, 5);
  const std::vector<TokenId> text = truth(whole);
  ASSERT_EQ(text.size(), 12u);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Generator generator(*model, {});
    Recorder recorder;
    GenerateRequest rest = whole;
    rest.generated.assign(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(cut));
    ASSERT_EQ(generator.add(id(1), rest), Status());
    run(generator, recorder);
    EXPECT_EQ(recorder[1].ids,
              std::vector<TokenId>(text.begin() + static_cast<std::ptrdiff_t>(cut), text.end()));
    if (cut < text.size()) {
      EXPECT_EQ(recorder[1].first_index, static_cast<std::int32_t>(cut));
    }
    ASSERT_EQ(recorder[1].done.size(), 1u);
    EXPECT_EQ(recorder[1].done[0].finish, jobs::Finish::kLength);
    EXPECT_EQ(recorder[1].done[0].usage.completion_tokens, 12);
    EXPECT_EQ(recorder[1].done[0].usage.prompt_tokens, 20);
  }
}

// ---- The prefix cache.

TEST_F(GeneratorTest, CachedBeginningIsNotComputedAgainAndChangesNothing) {
  load(tiny());
  const GenerateRequest first = sampled(60, 1);
  GenerateRequest longer = sampled(60, 1);  // Same beginning, then other tokens.
  longer.prompt.resize(50);
  const std::vector<TokenId> more = prompt(20, 9);
  longer.prompt.insert(longer.prompt.end(), more.begin(), more.end());
  for (const bool cache : {true, false}) {
    Generator generator(*model, {.max_requests = 8, .prefix_cache = cache});
    Recorder recorder;
    int number = 0;
    for (const GenerateRequest& it : {first, longer, first}) {
      ASSERT_EQ(generator.add(id(number), it), Status());
      run(generator, recorder);
      EXPECT_EQ(recorder[number].ids, truth(it)) << number;
      ++number;
    }
    EXPECT_EQ(recorder[0].done[0].usage.cached_tokens, 0);
    EXPECT_EQ(recorder[1].done[0].usage.cached_tokens, cache ? 50 : 0);
    // One token is left, because its row gives the logits.
    EXPECT_EQ(recorder[2].done[0].usage.cached_tokens, cache ? 59 : 0);
  }
}

TEST_F(GeneratorTest, RunningConversationsShareABeginningOnceItIsComputed) {
  load(tiny());
  Generator generator(*model, {});
  Recorder recorder;
  ASSERT_EQ(generator.add(id(0), sampled(48, 1)), Status());
  while (recorder[0].ids.empty()) ASSERT_TRUE(generator.step(recorder).ok());
  const std::size_t used = generator.load().cells_used;
  for (int i = 1; i < 4; ++i) ASSERT_EQ(generator.add(id(i), sampled(48, 1)), Status());
  ASSERT_TRUE(generator.step(recorder).ok());
  EXPECT_LE(generator.load().cells_used, used + 4);
  run(generator, recorder);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(recorder[i].ids, truth(sampled(48, 1))) << i;
}

TEST_F(GeneratorTest, CachedTextsMakeRoomForNewOnes) {
  load(tiny());
  Generator generator(*model, {});
  Recorder recorder;
  for (int i = 0; i < 8; ++i) {
    ASSERT_EQ(generator.add(id(i), sampled(90, static_cast<unsigned>(i))), Status());
    run(generator, recorder);
    EXPECT_EQ(recorder[i].ids, truth(sampled(90, static_cast<unsigned>(i)))) << i;
  }
}

// ---- Ends and order.

TEST_F(GeneratorTest, EndTokenEndsTheTextAndIsNotPartOfIt) {
  load(tiny());
  GenerateRequest ending = sampled(20, 3);
  const std::vector<TokenId> text = truth(ending);
  const std::size_t cut = 5;
  ending.end_tokens = {text[cut]};
  const auto first = std::find(text.begin(), text.end(), text[cut]);
  Generator generator(*model, {});
  Recorder recorder;
  ASSERT_EQ(generator.add(id(1), ending), Status());
  run(generator, recorder);
  EXPECT_EQ(recorder[1].ids, std::vector<TokenId>(text.begin(), first));
  EXPECT_EQ(recorder[1].ids, truth(ending));
  ASSERT_EQ(recorder[1].done.size(), 1u);
  EXPECT_EQ(recorder[1].done[0].finish, jobs::Finish::kStop);
  EXPECT_EQ(recorder[1].done[0].usage.completion_tokens, first - text.begin());
}

TEST_F(GeneratorTest, TextEndsWithTheContext) {
  load(tiny());
  GenerateRequest full = sampled(120, 3);
  full.max_new_tokens = 1000;
  Generator generator(*model, {});
  Recorder recorder;
  ASSERT_EQ(generator.add(id(1), full), Status());
  run(generator, recorder);
  EXPECT_EQ(recorder[1].ids.size(), kCells - 120);
  EXPECT_EQ(recorder[1].ids, truth(full));
  ASSERT_EQ(recorder[1].done.size(), 1u);
  EXPECT_EQ(recorder[1].done[0].finish, jobs::Finish::kLength);
}

TEST_F(GeneratorTest, ProgressCountsThePromptUpToItsEnd) {
  load(tiny());
  Generator generator(*model, {});
  Recorder recorder;
  ASSERT_EQ(generator.add(id(1), sampled(50)), Status());
  run(generator, recorder);
  const auto& progress = recorder[1].progress;
  ASSERT_GE(progress.size(), 2u);
  EXPECT_EQ(progress.back().prefill_done, 50);
  for (const jobs::Progress& it : progress) EXPECT_EQ(it.prefill_total, 50);
}

TEST_F(GeneratorTest, HigherPriorityWaitsLess) {
  load(tiny());
  Generator generator(*model, {});
  Recorder recorder;
  std::vector<int> order;
  for (int i = 0; i < 4; ++i) {
    GenerateRequest it = sampled(100, static_cast<unsigned>(i));  // One fits at a time.
    it.priority = i == 3 ? 5 : 0;
    ASSERT_EQ(generator.add(id(i), it), Status());
    if (i == 0) {
      ASSERT_TRUE(generator.step(recorder).ok());
    }
  }
  while (order.size() < 4) {
    ASSERT_TRUE(generator.step(recorder).ok());
    for (int i = 0; i < 4; ++i) {
      const bool known = std::find(order.begin(), order.end(), i) != order.end();
      if (!known && recorder[i].ended()) order.push_back(i);
    }
  }
  EXPECT_EQ(order, (std::vector<int>{0, 3, 1, 2}));
}

TEST_F(GeneratorTest, RunningConversationsTakeTurns) {
  load(tiny());
  Generator generator(*model, {});
  Recorder recorder;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(generator.add(id(i), sampled(5, static_cast<unsigned>(i))), Status());
  }
  const auto answered = [&](int i) { return recorder[i].ids.size(); };
  while (answered(2) == 0) ASSERT_TRUE(generator.step(recorder).ok());
  for (int step = 0; step < 12; ++step) {
    ASSERT_TRUE(generator.step(recorder).ok());
    const auto [low, high] = std::minmax({answered(0), answered(1), answered(2)});
    EXPECT_LE(high - low, 6u);
  }
}

// ---- What is refused, and what breaks.

TEST_F(GeneratorTest, RefusesWhatCannotBeServed) {
  load(tiny());
  Generator generator(*model, {.max_requests = 2});
  const Status over_long = generator.add(id(1), request(kCells));
  EXPECT_EQ(over_long.code(), Code::kInvalidArgument);
  EXPECT_THAT(over_long.message(), HasSubstr("127 tokens"));
  EXPECT_EQ(generator.add(id(1), GenerateRequest{}).code(), Code::kInvalidArgument);
  ASSERT_EQ(generator.add(id(1), request(5)), Status());
  EXPECT_EQ(generator.add(id(1), request(5)).code(), Code::kInvalidArgument);
  ASSERT_EQ(generator.add(id(2), request(5)), Status());
  EXPECT_EQ(generator.add(id(3), request(5)).code(), Code::kExhausted);
  EXPECT_EQ(generator.status(), Status());
}

TEST_F(GeneratorTest, CardErrorPoisonsItAndEveryRequestHearsThatARetryMayHelp) {
  play("threads = 1\n[[fault]]\ncall = \"EngineExecute\"\nat = 30\naction = \"error\"\n");
  open();
  load(tiny(), {.submission = Submission::kBlocking});
  Generator generator(*model, {});
  Recorder recorder;
  for (int i = 0; i < 4; ++i) ASSERT_EQ(generator.add(id(i), sampled(60)), Status());
  Result<bool> more = true;
  while (more.ok() && *more) more = generator.step(recorder);
  ASSERT_FALSE(more.ok());
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(recorder[i].failed.size(), 1u) << i;
    EXPECT_TRUE(recorder[i].failed[0].retry_may_help);
    EXPECT_EQ(recorder[i].failed[0].status, more.status());
  }
  EXPECT_EQ(generator.status(), more.status());
  EXPECT_EQ(generator.step(recorder).status(), more.status());
  EXPECT_EQ(generator.add(id(9), sampled(5)), more.status());
  EXPECT_EQ(generator.load().running, 0u);
}

TEST_F(GeneratorTest, NumbersThatCannotBePoisonItToo) {
  play("threads = 1\n[[fault]]\ncall = \"EngineExecute\"\nat = 10\ncount = 0\naction = \"nan\"\n");
  open();
  load(tiny());
  Generator generator(*model, {});
  Recorder recorder;
  ASSERT_EQ(generator.add(id(1), sampled(20)), Status());
  Result<bool> more = true;
  while (more.ok() && *more) more = generator.step(recorder);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.status().code(), Code::kInternal);
  ASSERT_EQ(recorder[1].failed.size(), 1u);
  EXPECT_TRUE(recorder[1].failed[0].retry_may_help);
}

TEST_F(GeneratorTest, ReferenceRefusesWhatTheGeneratorRefuses) {
  load(tiny());
  EXPECT_EQ(reference_generate(*model, request(kCells)).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(reference_generate(*model, GenerateRequest{}).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace axle::llm
