#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/openai/chat_json.h"
#include "api/openai/chat_metrics.h"
#include "api/openai/chat_request.h"
#include "api/openai/choice.h"
#include "api/openai/keep_alive.h"
#include "api/openai/served_model.h"
#include "base/mutex.h"
#include "fleet/fleet.h"
#include "http/exchange.h"

namespace axle::api {

// What a Completion works with. All of it outlives every request.
struct ChatContext {
  fleet::Fleet& fleet;
  ChatMetrics& metrics;
};

// What a Completion must know of the prompt.
struct PromptFacts {
  std::int32_t tokens = 0;
  ReasoningSplitter::Start start = ReasoningSplitter::Start::kAnswer;
};

// One chat request from its jobs to its last byte: takes the events of all its choices and writes
// the whole answer or the stream. Held by shared_ptr because the fleet (one sink per choice) and
// the connection's callbacks all keep it, and any of them may be last.
//
// Threading: safe from any thread; events come on the fleet's thread, the disconnect on an I/O
// thread.
class Completion : public LongAnswer, public std::enable_shared_from_this<Completion> {
 public:
  Completion(ChatContext context, std::shared_ptr<http::Exchange> exchange,
             std::shared_ptr<const ServedModel> model, ChatRequest request,
             const PromptFacts& prompt);
  // Submits one job per choice and begins to answer. Call once. Answers the exchange with an error
  // when the fleet takes no job.
  void start(const jobs::GenerateJob& job);

  bool keep_alive(std::chrono::milliseconds silence) override;

 private:
  class Sink;
  struct Job {
    jobs::JobId id{};  // 0: not submitted yet, ended or cancelled.
    Choice choice;
    AnswerText text;  // The text so far; a stream keeps only what the client could not take yet.
    std::chrono::steady_clock::time_point last_token{};
    std::string logprobs = {};  // Joined entries of tokens in `text`.
  };

  void on_event(std::size_t index, jobs::JobId id, const jobs::JobEvent& event);
  void handle(std::size_t index, const jobs::JobEvent& event) AXLE_REQUIRES(mutex_);
  void take_tokens(std::size_t index, const jobs::Tokens& tokens) AXLE_REQUIRES(mutex_);
  void take_done(std::size_t index, const jobs::Done& done) AXLE_REQUIRES(mutex_);
  void show(std::size_t index, const AnswerText& text) AXLE_REQUIRES(mutex_);
  void flush(std::size_t index) AXLE_REQUIRES(mutex_);
  void finish_choice(std::size_t index) AXLE_REQUIRES(mutex_);
  void finish_answer() AXLE_REQUIRES(mutex_);
  void fail(const Status& status) AXLE_REQUIRES(mutex_);
  bool submit_all(const jobs::GenerateJob& job);
  std::optional<fleet::Fleet::Time> deadline() const;
  void begin_stream() AXLE_REQUIRES(mutex_);
  void send(std::string event) AXLE_REQUIRES(mutex_);
  // What is to be said of the request's place in the queue; "": nothing new.
  std::string news_of_queue() AXLE_REQUIRES(mutex_);
  void drained();
  void client_left();
  // The jobs that run for nothing: all when the answer is over, else those that a stop string
  // ended.
  std::vector<jobs::JobId> take_useless_jobs() AXLE_REQUIRES(mutex_);
  void cancel(const std::vector<jobs::JobId>& ids);
  void observe_tokens(Job& job, std::size_t count) AXLE_REQUIRES(mutex_);
  jobs::Usage usage() const AXLE_REQUIRES(mutex_);
  jobs::Timings timings() const AXLE_REQUIRES(mutex_);

  const ChatContext context_;
  const std::shared_ptr<http::Exchange> exchange_;
  const std::shared_ptr<const ServedModel> model_;
  const ChatRequest request_;
  const std::int32_t prompt_tokens_;
  const std::chrono::steady_clock::time_point begun_;
  const ChatHead head_;
  const ChunkWriter writer_;

  mutable Mutex mutex_;
  std::vector<Job> jobs_ AXLE_GUARDED_BY(mutex_);
  std::size_t finished_ AXLE_GUARDED_BY(mutex_) = 0;
  bool over_ AXLE_GUARDED_BY(mutex_) = false;  // Answered, failed or the client has left.
  bool full_ AXLE_GUARDED_BY(mutex_) =
      false;  // The stream's queue is full: text is kept in `text`.
  std::shared_ptr<http::BodyStream> stream_ AXLE_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point last_write_ AXLE_GUARDED_BY(mutex_);
  QueueNews queue_news_ AXLE_GUARDED_BY(mutex_);
};

}  // namespace axle::api
