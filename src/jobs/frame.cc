#include "jobs/frame.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "jobs/head_codec.h"
#include "jobs/little_endian.h"
#include "jobs/message_fields.h"

namespace axle::jobs {
namespace {

constexpr std::size_t kTypeCount = std::variant_size_v<Payload>;
constexpr std::string_view kMagic = "AXLE";
constexpr std::array<std::string_view, kTypeCount> kTypeNames = {
    "generate",     "cancel",      "load",         "unload",        "status_request", "pause",
    "shutdown",     "ping",        "hello",        "accepted",      "progress",       "tokens",
    "done",         "failed",      "model_loaded", "load_progress", "load_failed",    "unloaded",
    "heartbeat",    "readings",    "card_lost",    "pong",          "picture",        "interrupt",
    "picture_step", "picture_done"};
static_assert(static_cast<std::size_t>(MessageType::kPictureDone) == kTypeCount);

struct Header {
  MessageType type{};
  std::size_t head_bytes = 0;
  std::size_t tail_bytes = 0;
  JobId id{0};
  std::size_t total_bytes() const { return kFrameHeaderBytes + head_bytes + tail_bytes; }
};

// Does the message's id fit its type? Messages of a job carry one, ping and pong may.
bool id_suits(MessageType type, JobId id) {
  switch (type) {
    case MessageType::kGenerate:
    case MessageType::kCancel:
    case MessageType::kAccepted:
    case MessageType::kProgress:
    case MessageType::kTokens:
    case MessageType::kDone:
    case MessageType::kFailed:
    case MessageType::kPicture:
    case MessageType::kInterrupt:
    case MessageType::kPictureStep:
    case MessageType::kPictureDone:
      return id != JobId{0};
    case MessageType::kPing:
    case MessageType::kPong:
      return true;
    default:
      return id == JobId{0};
  }
}

Status check_lengths(std::size_t head_bytes, std::size_t tail_bytes) {
  if (head_bytes > kFrameHeadLimitBytes)
    return corrupt(
        fmt::format("head: wanted at most {} bytes, found {}", kFrameHeadLimitBytes, head_bytes));
  if (tail_bytes > kFrameTailLimitBytes)
    return corrupt(
        fmt::format("tail: wanted at most {} bytes, found {}", kFrameTailLimitBytes, tail_bytes));
  return Status();
}

// REQUIRES: bytes.size() >= kFrameHeaderBytes.
Result<Header> parse_header(std::string_view bytes) {
  if (!bytes.starts_with(kMagic))
    return corrupt(fmt::format("magic: wanted 0x{:08x}, found 0x{:08x}",
                               read_little_endian<std::uint32_t>(kMagic),
                               read_little_endian<std::uint32_t>(bytes)));
  const auto version = read_little_endian<std::uint16_t>(bytes.substr(4));
  if (version != kProtocolVersion)
    return corrupt(fmt::format("version: wanted {}, found {}", kProtocolVersion, version));
  const auto type = read_little_endian<std::uint16_t>(bytes.substr(6));
  if (type < 1 || type > kTypeCount)
    return corrupt(fmt::format("type: wanted 1 to {}, found {}", kTypeCount, type));
  if (const auto flags = read_little_endian<std::uint32_t>(bytes.substr(8)); flags != 0)
    return corrupt(fmt::format("flags: wanted 0, found 0x{:x}", flags));
  Header header;
  header.type = static_cast<MessageType>(type);
  header.head_bytes = read_little_endian<std::uint32_t>(bytes.substr(12));
  header.tail_bytes = read_little_endian<std::uint32_t>(bytes.substr(16));
  header.id = static_cast<JobId>(read_little_endian<std::uint64_t>(bytes.substr(20)));
  AXLE_TRY(check_lengths(header.head_bytes, header.tail_bytes));
  if (!id_suits(header.type, header.id))
    return corrupt(fmt::format("id: {} does not suit a message of type {}",
                               static_cast<std::uint64_t>(header.id), type_name(header.type)));
  return header;
}

// A payload of the given type with default values.
template <std::size_t... kIndex>
Payload make_payload(MessageType type, std::index_sequence<kIndex...> /*all*/) {
  Payload payload;
  const std::size_t index = static_cast<std::size_t>(type) - 1;
  ((kIndex == index ? static_cast<void>(payload.emplace<kIndex>()) : static_cast<void>(0)), ...);
  return payload;
}

Status read_head(std::string_view text, boost::json::value& head) {
  boost::json::parse_options options;
  options.max_depth = 4;
  options.allow_invalid_utf8 = true;
  boost::json::error_code error;
  head = boost::json::parse(text, error, {}, options);
  if (error) return corrupt(fmt::format("not JSON: {}", error.message()));
  if (!head.is_object()) return corrupt("wanted a JSON object");
  return Status();
}

Result<Message> decode(const Header& header, std::string_view frame) {
  Message message;
  message.id = header.id;
  message.payload = make_payload(header.type, std::make_index_sequence<kTypeCount>());
  boost::json::value head;
  AXLE_TRY(read_head(frame.substr(kFrameHeaderBytes, header.head_bytes), head));
  HeadReader reader(head.get_object(),
                    frame.substr(kFrameHeaderBytes + header.head_bytes, header.tail_bytes));
  std::visit([&reader](auto& value) { describe(reader, value); }, message.payload);
  AXLE_TRY(reader.finish());
  return message;
}

// Running out of memory is the only way in which the JSON library can still throw.
Result<Message> decode_guarded(const Header& header, std::string_view frame) {
  try {
    Result<Message> message = decode(header, frame);
    if (!message.ok()) return message.status().with_context(type_name(header.type));
    return message;
  } catch (const std::exception& error) {
    return corrupt(fmt::format("{}: {}", type_name(header.type), error.what()));
  }
}

Result<std::string> encode_frame(const Message& message) {
  HeadWriter writer;
  std::visit([&writer](const auto& value) { describe(writer, value); }, message.payload);
  AXLE_TRY(writer.error());
  const std::string head = writer.head();
  if (const Status lengths = check_lengths(head.size(), writer.tail().size()); !lengths.ok())
    return invalid_argument(lengths.message());
  std::string frame;
  frame.reserve(kFrameHeaderBytes + head.size() + writer.tail().size());
  frame += kMagic;
  append_little_endian(frame, static_cast<std::uint16_t>(kProtocolVersion));
  append_little_endian(frame, static_cast<std::uint16_t>(message.type()));
  append_little_endian(frame, std::uint32_t{0});
  append_little_endian(frame, static_cast<std::uint32_t>(head.size()));
  append_little_endian(frame, static_cast<std::uint32_t>(writer.tail().size()));
  append_little_endian(frame, static_cast<std::uint64_t>(message.id));
  frame += head;
  frame += writer.tail();
  return frame;
}

}  // namespace

std::string_view type_name(MessageType type) {
  const std::size_t index = static_cast<std::size_t>(type) - 1;
  return index < kTypeCount ? kTypeNames[index] : "unknown";
}

Result<std::string> encode(const Message& message) {
  const std::string_view name = type_name(message.type());
  if (!id_suits(message.type(), message.id))
    return invalid_argument(fmt::format("{}: id {} does not suit this type", name,
                                        static_cast<std::uint64_t>(message.id)));
  try {
    Result<std::string> frame = encode_frame(message);
    if (!frame.ok()) return frame.status().with_context(name);
    return frame;
  } catch (const std::exception& error) {
    return invalid_argument(fmt::format("{}: {}", name, error.what()));
  }
}

Status FrameReader::feed(std::span<const std::byte> bytes, std::vector<Message>& messages) {
  return feed(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
              messages);
}

Status FrameReader::feed(std::string_view bytes, std::vector<Message>& messages) {
  AXLE_TRY(error_);
  buffer_.append(bytes);
  std::string_view rest = buffer_;
  while (rest.size() >= kFrameHeaderBytes) {
    const Result<Header> header = parse_header(rest);
    if (!header.ok()) return error_ = header.status().with_context("frame header");
    if (rest.size() < header->total_bytes()) break;
    Result<Message> message = decode_guarded(*header, rest.substr(0, header->total_bytes()));
    if (!message.ok()) return error_ = message.status().with_context("frame");
    messages.push_back(*std::move(message));
    rest.remove_prefix(header->total_bytes());
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  return Status();
}

}  // namespace axle::jobs
