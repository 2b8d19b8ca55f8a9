#include "llm/commands.h"

#include <utility>

#include "card/card.h"

namespace axle::llm {

Commands::Commands(card::Card& card, std::optional<card::Stream> stream)
    : card_(&card), stream_(std::move(stream)) {}

Result<Commands> Commands::create(card::Card& card, Submission submission) {
  const bool can_queue = card.features().async;
  if (submission == Submission::kBlocking || (submission == Submission::kAuto && !can_queue)) {
    return Commands(card, std::nullopt);
  }
  AXLE_TRY_ASSIGN(card::Stream stream, card::Stream::create(card));
  return Commands(card, std::move(stream));
}

Status Commands::write(card::DeviceSpan to, std::span<const std::byte> source) {
  return stream_ ? stream_->write_async(to, source) : card::write(*card_, to, source);
}

Status Commands::read(card::DeviceSpan from, std::span<std::byte> target) {
  return stream_ ? stream_->read_async(from, target) : card::read(*card_, from, target);
}

Status Commands::copy(card::DeviceSpan from, card::DeviceSpan to) {
  return stream_ ? stream_->copy_async(from, to) : card::copy(*card_, from, to);
}

Status Commands::run(card::Engine& engine, card::Binding& binding) {
  return stream_ ? stream_->run(engine, binding) : engine.run(binding);
}

Status Commands::finish() { return stream_ ? stream_->synchronize() : Status(); }

}  // namespace axle::llm
