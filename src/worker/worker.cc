#include "worker/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.h"

namespace axle::worker {
namespace {

constexpr jobs::JobId kNoJob{0};

}  // namespace

void Worker::EventWriter::on_event(jobs::JobId id, jobs::JobEvent event) {
  std::visit([&](auto& payload) { worker_.send(id, std::move(payload)); }, event);
}

Worker::Worker(EngineHost& host, const Options& options)
    : host_(host),
      options_(options),
      socket_(options.socket),
      inbox_(options.max_waiting_messages),
      events_(*this) {}

ExitCode Worker::run() {
  std::thread reader([this] { read(); });
  Result<jobs::Hello> hello = host_.open();
  if (hello.ok()) {
    send(kNoJob, *std::move(hello));
    publish_load();
    std::thread heart([this] { beat(); });
    serve();
    {
      const MutexLock lock(mutex_);
      stop_beating_ = true;
      stopped_.notify_all();
    }
    heart.join();
  } else {
    lose(ExitCode::kCardAbsent, hello.status());
  }
  if (*exit_ == ExitCode::kOk) host_.close();
  inbox_.close(Status());
  socket_.shut_down();
  reader.join();
  return *exit_;
}

void Worker::read() {
  std::vector<jobs::Message> messages;
  for (;;) {
    messages.clear();
    const Result<bool> more = socket_.receive(messages);
    for (jobs::Message& message : messages)
      if (!inbox_.push(std::move(message))) return;
    if (!more.ok()) return inbox_.close(more.status());
    if (!*more) return inbox_.close(Status());
  }
}

void Worker::beat() {
  for (;;) {
    send_heartbeat();
    const MutexLock lock(mutex_);
    const auto next = std::chrono::steady_clock::now() + options_.heartbeat_interval;
    while (!stop_beating_ && stopped_.wait_until(mutex_, next)) {
    }
    if (stop_beating_) return;
  }
}

void Worker::send_heartbeat() {
  jobs::Heartbeat heartbeat;
  if (const auto call = options_.running_call ? options_.running_call() : std::nullopt) {
    heartbeat.call = call->name;
    heartbeat.call_running_us = std::max<std::int64_t>(call->age.count(), 1);
  }
  {
    const MutexLock lock(mutex_);
    heartbeat.running = load_.running;
    heartbeat.waiting = load_.waiting;
    heartbeat.cells_used = load_.cells_used;
    heartbeat.cells_total = load_.cells_total;
    heartbeat.kv_banks = load_.kv_banks;
    heartbeat.host_cache_bytes = load_.host_cache_bytes;
    heartbeat.prompt_token_s = load_.prompt_token_s;
    heartbeat.new_token_s = load_.new_token_s;
    heartbeat.picture_step_s = load_.picture_step_s;
    heartbeat.picture_rest_s = load_.picture_rest_s;
  }
  // A front that is gone is the reader's business.
  static_cast<void>(socket_.send({kNoJob, std::move(heartbeat)}).ok());
}

void Worker::serve() {
  next_readings_ = std::chrono::steady_clock::now();
  while (!exit_) turn();
}

void Worker::turn() {
  const bool busy = can_step() || !loads_.empty();
  const Time now = std::chrono::steady_clock::now();
  for (jobs::Message& message : inbox_.take(busy ? now : next_readings_)) {
    if (exit_) return;
    handle(std::move(message));
  }
  if (inbox_.finished()) {
    const Status why = inbox_.why();
    if (why.ok()) return end(ExitCode::kOk);
    AXLE_LOG_ERROR("worker", "{}", why.to_string());
    return end(ExitCode::kProtocol);
  }
  // One load, then one step, so that conversations go on between the loads of several models.
  if (!exit_ && !loads_.empty()) load_one();
  if (!exit_ && can_step())
    if (const Status status = host_.step(events_); !status.ok()) lose(ExitCode::kCardLost, status);
  if (!exit_ && std::chrono::steady_clock::now() >= next_readings_) report_readings();
  publish_load();
}

void Worker::handle(jobs::Message message) {
  std::visit([&](const auto& payload) { on_payload(message.id, payload); }, message.payload);
}

void Worker::add(jobs::JobId id, const jobs::Job& job) {
  const Status status = host_.add(id, job);
  if (status.ok()) {
    const HostLoad load = host_.load_figures();
    return send(id, jobs::Accepted{std::max(0, load.waiting - 1)});
  }
  send(id, jobs::Failed{status, false});
}

void Worker::on_payload(jobs::JobId id, const jobs::Cancel& /*cancel*/) { host_.cancel(id); }

void Worker::on_payload(jobs::JobId id, const jobs::Interrupt& /*interrupt*/) {
  host_.interrupt(id);
}

void Worker::on_payload(jobs::JobId /*id*/, const jobs::LoadJob& job) { loads_.push_back(job); }

void Worker::on_payload(jobs::JobId /*id*/, const jobs::UnloadJob& job) {
  std::erase_if(loads_, [&job](const jobs::LoadJob& load) { return load.model == job.model; });
  const Status status = host_.unload(job.model, events_);
  if (status.code() == Code::kCardLost) return lose(ExitCode::kCardLost, status);
  send(kNoJob, jobs::Unloaded{job.model});
}

void Worker::on_payload(jobs::JobId /*id*/, const jobs::StatusRequest& /*request*/) {
  publish_load();
  send_heartbeat();
  report_readings();
}

void Worker::on_payload(jobs::JobId /*id*/, const jobs::Pause& pause) { paused_ = pause.paused; }

void Worker::on_payload(jobs::JobId /*id*/, const jobs::Shutdown& /*shutdown*/) {
  end(ExitCode::kOk);
}

void Worker::on_payload(jobs::JobId id, const jobs::Ping& /*ping*/) { send(id, jobs::Pong{}); }

template <typename Payload>
void Worker::on_payload(jobs::JobId /*id*/, const Payload& /*payload*/) {
  AXLE_LOG_ERROR("worker", "the front sent a report, wanted orders");
  end(ExitCode::kProtocol);
}

void Worker::load_one() {
  const jobs::LoadJob job = loads_.front();
  loads_.pop_front();
  Result<jobs::ModelLoaded> loaded =
      host_.load(job, [this](const jobs::LoadProgress& progress) { send(kNoJob, progress); });
  if (loaded.ok()) return send(kNoJob, *std::move(loaded));
  if (loaded.status().code() == Code::kCardLost)
    return lose(ExitCode::kCardLost, loaded.status().with_context("loading " + job.model));
  send(kNoJob, jobs::LoadFailed{job.model, loaded.status()});
}

void Worker::report_readings() {
  next_readings_ = std::chrono::steady_clock::now() + options_.readings_interval;
  if (!readings_supported_) return;
  Result<jobs::Readings> readings = host_.readings();
  if (readings.ok()) return send(kNoJob, *std::move(readings));
  if (readings.status().code() == Code::kCardLost)
    return lose(ExitCode::kCardLost, readings.status());
  if (readings.status().code() == Code::kUnsupported) readings_supported_ = false;
  AXLE_LOG_WARN("worker", "no readings of the card: {}", readings.status().to_string());
}

void Worker::send(jobs::JobId id, jobs::Payload payload) {
  const Status status = socket_.send({id, std::move(payload)});
  if (status.ok() || exit_) return;
  if (status.code() == Code::kUnavailable) return end(ExitCode::kOk);  // The front is gone.
  AXLE_LOG_ERROR("worker", "{}", status.to_string());
  end(ExitCode::kProtocol);
}

void Worker::publish_load() {
  const HostLoad load = host_.load_figures();
  const MutexLock lock(mutex_);
  load_ = load;
}

void Worker::end(ExitCode code) {
  if (!exit_) exit_ = code;
}

void Worker::lose(ExitCode code, const Status& why) {
  AXLE_LOG_ERROR("worker", "{}", why.to_string());
  end(code);
  static_cast<void>(socket_.send({kNoJob, jobs::CardLost{why}}).ok());
}

}  // namespace axle::worker
