#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "jobs/job.h"

// How messages travel between front and card process: over a local stream socket, each as
//
//   offset  bytes  all numbers little-endian
//        0      4  magic "AXLE"
//        4      2  version, kProtocolVersion
//        6      2  type, MessageType
//        8      4  flags, 0
//       12      4  length of the head
//       16      4  length of the tail
//       20      8  id: the job's for messages of a job, free for Ping and Pong, else 0
//       28         head: one JSON object with exactly the fields of the type; its strings are bytes
//                  (a path need not be UTF-8)
//                  tail: lists of numbers, one after the other as the head counts them (token ids
//                  as int32, biases and log probabilities as int32 then float32, pixels as bytes,
//                  latents as float32)
//
// Both ends are the same program, so anything else than exactly this is an error, never skipped.
namespace axle::jobs {

inline constexpr std::int32_t kProtocolVersion = 6;
inline constexpr std::size_t kFrameHeaderBytes = 28;
inline constexpr std::size_t kFrameHeadLimitBytes = std::size_t{1} << 20;
inline constexpr std::size_t kFrameTailLimitBytes = std::size_t{64} << 20;

// The alternatives' order is that of MessageType.
using Payload = std::variant<GenerateJob, Cancel, LoadJob, UnloadJob, StatusRequest, Pause,
                             Shutdown, Ping, Hello, Accepted, Progress, Tokens, Done, Failed,
                             ModelLoaded, LoadProgress, LoadFailed, Unloaded, Heartbeat, Readings,
                             CardLost, Pong, PictureJob, Interrupt, PictureStep, PictureDone>;

enum class MessageType : std::uint16_t {
  kGenerate = 1,
  kCancel,
  kLoad,
  kUnload,
  kStatusRequest,
  kPause,
  kShutdown,
  kPing,
  kHello,
  kAccepted,
  kProgress,
  kTokens,
  kDone,
  kFailed,
  kModelLoaded,
  kLoadProgress,
  kLoadFailed,
  kUnloaded,
  kHeartbeat,
  kReadings,
  kCardLost,
  kPong,
  kPicture,
  kInterrupt,
  kPictureStep,
  kPictureDone,
};

struct Message {
  JobId id{0};  // See the table above.
  Payload payload;

  MessageType type() const { return static_cast<MessageType>(payload.index() + 1); }
  friend bool operator==(const Message&, const Message&) = default;
};

// For logs, e.g. "generate".
std::string_view type_name(MessageType type);

// The message's frame.
// Errors: kInvalidArgument  it would break a limit above, a number of it is not finite, or its id
//                           does not suit its type.
Result<std::string> encode(const Message& message);

// Cuts a stream of bytes into messages. It holds at most one unfinished frame.
//
// Threading: none; one reader per stream.
class FrameReader {
 public:
  // Takes the next bytes and appends every message that they complete to `messages`, those before
  // a bad frame too. After an error the stream has no meaning: the same error comes again.
  //
  // Errors: kCorrupt  not a frame of this protocol: which field, wanted and found.
  Status feed(std::span<const std::byte> bytes, std::vector<Message>& messages);
  Status feed(std::string_view bytes, std::vector<Message>& messages);

  // Bytes of the unfinished frame; at the end of a stream anything but 0 is a cut-off message.
  std::size_t pending_bytes() const { return buffer_.size(); }

 private:
  Status error_;
  std::string buffer_;
};

}  // namespace axle::jobs
