#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "jobs/frame.h"

namespace axle::jobs {
namespace {

float any_float() {
  const float value = *rc::gen::arbitrary<float>();
  return std::isfinite(value) ? value : 0.5f;
}

GenerateJob any_job() {
  GenerateJob job;
  job.model = *rc::gen::arbitrary<std::string>();
  job.prompt = *rc::gen::arbitrary<std::vector<TokenId>>();
  job.generated = *rc::gen::arbitrary<std::vector<TokenId>>();
  job.end_tokens = *rc::gen::arbitrary<std::vector<TokenId>>();
  job.max_new_tokens = *rc::gen::arbitrary<std::int32_t>();
  job.priority = *rc::gen::arbitrary<std::int32_t>();
  job.sampling.seed = *rc::gen::arbitrary<std::uint64_t>();
  job.sampling.top_k = *rc::gen::arbitrary<std::int32_t>();
  job.sampling.temperature = any_float();
  job.sampling.min_p = any_float();
  job.sampling.typical_p = any_float();
  job.sampling.dry.multiplier = any_float();
  job.sampling.dry.window = *rc::gen::arbitrary<std::int32_t>();
  job.sampling.dry.breakers = *rc::gen::arbitrary<std::vector<TokenId>>();
  job.top_logprobs = *rc::gen::arbitrary<std::int32_t>();
  const auto count = *rc::gen::inRange(0, 5);
  for (int i = 0; i < count; ++i)
    job.sampling.logit_bias.emplace_back(*rc::gen::arbitrary<TokenId>(), any_float());
  return job;
}

std::vector<std::uint8_t> any_pixels() { return *rc::gen::arbitrary<std::vector<std::uint8_t>>(); }

Message any_message() {
  const JobId id{*rc::gen::positive<std::uint64_t>()};
  const auto text = *rc::gen::arbitrary<std::string>();
  const auto number = *rc::gen::arbitrary<std::int32_t>();
  switch (*rc::gen::inRange(0, 7)) {
    case 0:
      return {id, any_job()};
    case 1:
      return {id,
              Tokens{*rc::gen::arbitrary<std::vector<TokenId>>(), number, {{number, any_float()}}}};
    case 2:
      return {id, Failed{unavailable(text), number % 2 == 0}};
    case 3:
      return {JobId{0}, Hello{number, text, number > 0, number, text, text}};
    case 4:
      return {JobId{0}, Heartbeat{number, text, number, 0, 1, 2, 3, 4, 0.5, 0.25, 0.125, 2.0}};
    case 5:
      return {id, PictureStep{number, 4, {any_float(), any_float()}, number, 1, any_pixels()}};
    default:
      return {JobId{0}, CardLost{card_lost(text, number)}};
  }
}

RC_GTEST_PROP(FrameProperty, MessagesOfAnyContentArriveUnchangedInAnyPieces, ()) {
  std::vector<Message> sent;
  std::string stream;
  const auto count = *rc::gen::inRange(1, 5);
  for (int i = 0; i < count; ++i) {
    sent.push_back(any_message());
    const Result<std::string> frame = encode(sent.back());
    RC_ASSERT(frame.ok());
    stream += *frame;
  }
  FrameReader reader;
  std::vector<Message> received;
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t size = *rc::gen::inRange<std::size_t>(1, 200);
    RC_ASSERT(reader.feed(std::string_view(stream).substr(at, size), received).ok());
    at += size;
  }
  RC_ASSERT(received == sent);
  RC_ASSERT(reader.pending_bytes() == 0u);
}

RC_GTEST_PROP(FrameProperty, AChangedByteNeverDoesMoreThanReportAnError, ()) {
  Result<std::string> frame = encode(any_message());
  RC_ASSERT(frame.ok());
  const auto at = *rc::gen::inRange<std::size_t>(0, frame->size());
  (*frame)[at] = static_cast<char>(*rc::gen::arbitrary<unsigned char>());
  FrameReader reader;
  std::vector<Message> received;
  const Status status = reader.feed(*frame, received);
  RC_ASSERT(status.ok() || status.code() == Code::kCorrupt);
}

}  // namespace
}  // namespace axle::jobs
