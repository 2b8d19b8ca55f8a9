#include "fleet/fleet_loop.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/log.h"

namespace axle::fleet {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxErrors = 8;
constexpr milliseconds kReapInterval{5};     // While a child is expected to end.
constexpr milliseconds kLongestWait{1'000};  // The clock of stop() and of idle looks.
constexpr milliseconds kShutdownLimit{5'000};
// Killing a process that loads a model can leave a card that only a reboot cures.
// Source: AXCL runtime V3.10.2, seen when loading processes were killed.
constexpr milliseconds kShutdownLimitWhileLoading{60'000};
constexpr std::string_view kRebootAnswer = "y\n";  // axcl-smi asks before it reboots.

Time now() { return std::chrono::steady_clock::now(); }

ModelHealth* find_model(Health& health, const std::string& name) {
  const auto found = std::find_if(health.models.begin(), health.models.end(),
                                  [&name](const ModelHealth& model) { return model.name == name; });
  return found == health.models.end() ? nullptr : &*found;
}

// "28 layers, 2559 cells, 907 MiB of card memory; probed in 4578 ms; ...": what there is to tell.
std::string loaded_text(const jobs::ModelLoaded& loaded) {
  std::string text;
  if (loaded.layers != 0)
    text = fmt::format("{} layers, {} cells, ", loaded.layers, loaded.context_tokens);
  text += fmt::format("{} MiB of card memory", loaded.card_bytes >> 20);
  if (!loaded.probe.empty()) text += "; " + loaded.probe;
  return text;
}

}  // namespace

FleetLoop::FleetLoop(const FleetOptions& options, FleetState& state)
    : options_(options),
      state_(state),
      supervisor_(options.supervisor, options.reboot_command.empty()
                                          ? Supervisor::Reboot::kImpossible
                                          : Supervisor::Reboot::kPossible) {}

void FleetLoop::run() {
  supervisor_.start(now());
  carry_out_orders();
  publish();
  while (!stop_is_due()) {
    wait();
    turn();
  }
  stop_process();
}

void FleetLoop::turn() {
  receive();
  look_at_children();
  supervisor_.on_tick(now());
  carry_out_orders();
  expire();
  send_cancels();
  dispatch();
  link_.flush();
  publish();
  deliver();
}

milliseconds FleetLoop::wait_limit() const {
  if (reboot_.running()) return kReapInterval;
  milliseconds limit = kLongestWait;
  const auto shorten = [&limit](Time deadline) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - now());
    limit = std::clamp(left, milliseconds(0), limit);
  };
  if (const auto deadline = supervisor_.next_deadline()) shorten(*deadline);
  const MutexLock lock(state_.mutex);
  if (state_.stop_deadline) shorten(*state_.stop_deadline);
  if (const auto deadline = state_.table.next_deadline()) shorten(*deadline);
  return limit;
}

void FleetLoop::wait() {
  milliseconds limit = wait_limit();
  if (!link_.connected() && link_.process().running()) limit = std::min(limit, kReapInterval);
  std::array<pollfd, 2> entries{pollfd{state_.wake.get(), POLLIN, 0},
                                pollfd{link_.descriptor(), POLLIN, 0}};
  if (link_.wants_to_write()) entries[1].events |= POLLOUT;
  const nfds_t count = link_.connected() ? 2 : 1;
  ::poll(entries.data(), count, static_cast<int>(limit.count()));
  std::uint64_t wakes = 0;
  if ((entries[0].revents & POLLIN) != 0 &&
      ::read(state_.wake.get(), &wakes, sizeof wakes) != static_cast<ssize_t>(sizeof wakes))
    return;  // Somebody was faster: the look at everything that follows is the same.
}

void FleetLoop::receive() {
  if (!link_.connected()) return;
  incoming_.clear();
  const Status status = link_.receive(incoming_);
  for (const jobs::Message& message : incoming_) {
    if (dropped_) break;
    handle(message);
  }
  if (dropped_) return;
  if (!status.ok()) return fail_process(status);
  if (link_.connected()) return;
  // The end of the stream: the process has ended, or closed its socket, which is as bad.
  drop_connection(unavailable("the card process has ended"));
  link_.process().kill();
}

void FleetLoop::look_at_children() {
  // As long as the connection is open something may still be read from it, such as the reason.
  const std::optional<int> end = link_.connected() ? std::nullopt : link_.process().try_reap();
  if (end) {
    const Status why = unavailable(fmt::format("the card process {}", describe_exit(*end)));
    supervisor_.on_exit(now(), why);
    changed_ = true;
  }
  if (const std::optional<Status> rebooted = reboot_.poll()) {
    AXLE_LOG_INFO("fleet", "reboot of the card: {}",
                  rebooted->ok() ? "done" : rebooted->to_string());
    supervisor_.on_reboot_end(now(), *rebooted);
    changed_ = true;
  }
}

void FleetLoop::carry_out_orders() {
  for (std::vector<Order> orders = supervisor_.take_orders(); !orders.empty();
       orders = supervisor_.take_orders()) {
    changed_ = true;
    for (const Order order : orders) carry_out(order);
  }
}

void FleetLoop::carry_out(Order order) {
  switch (order) {
    case Order::kStartProcess:
      return start_process();
    case Order::kKillProcess:
      if (link_.connected()) {
        link_.disconnect();
        drop_connection(supervisor_.last_failure());
      }
      return link_.process().kill();
    case Order::kRebootCard:
      return start_reboot();
    case Order::kKillReboot:
      return reboot_.kill();
    case Order::kPauseWork:
    case Order::kResumeWork: {
      const bool paused = order == Order::kPauseWork;
      AXLE_LOG_WARN("fleet", "{}", paused ? supervisor_.reason() : "the card has cooled down");
      return static_cast<void>(link_.send({jobs::JobId{0}, jobs::Pause{paused}}).ok());
    }
    case Order::kFailJobs: {
      publish();  // From here on submit() refuses.
      const MutexLock lock(state_.mutex);
      return state_.table.fail_all(now(), unavailable("the card is lost: " + supervisor_.reason()));
    }
  }
}

void FleetLoop::start_process() {
  greeted_ = false;
  dropped_ = false;
  const Status status = link_.start(options_.command);
  if (!status.ok()) {
    return supervisor_.on_exit(now(), status);
  }
  AXLE_LOG_INFO("fleet", "card process {} started", link_.process().pid());
}

void FleetLoop::start_reboot() {
  AXLE_LOG_WARN("fleet", "rebooting the card: {}", supervisor_.last_failure().message());
  Result<Command> command = Command::start(options_.reboot_command, kRebootAnswer);
  if (!command.ok()) return supervisor_.on_reboot_end(now(), command.status());
  reboot_ = *std::move(command);
}

void FleetLoop::drop_connection(const Status& why) {
  dropped_ = true;
  loaded_.clear();
  loads_pending_ = 0;
  changed_ = true;
  const MutexLock lock(state_.mutex);
  state_.cancelled.clear();
  state_.interrupted.clear();
  state_.table.on_process_lost(now(), why);
  for (ModelHealth& model : state_.health.models) {
    model.state = ModelState::kLoading;
    model.loading = {};
    model.status = Status();
  }
}

void FleetLoop::fail_process(Status why) {
  supervisor_.on_failure(now(), std::move(why));
  carry_out_orders();
}

void FleetLoop::remember_error() {
  if (std::exchange(remembered_failures_, supervisor_.failures()) == supervisor_.failures()) return;
  const Status& error = supervisor_.last_failure();
  AXLE_LOG_ERROR("fleet", "{}", error.to_string());
  const MutexLock lock(state_.mutex);
  std::vector<PastError>& errors = state_.health.last_errors;
  errors.push_back({std::chrono::system_clock::now(), error});
  if (errors.size() > kMaxErrors) errors.erase(errors.begin());
}

void FleetLoop::handle(const jobs::Message& message) {
  const bool may_come_first = std::holds_alternative<jobs::Hello>(message.payload) ||
                              std::holds_alternative<jobs::CardLost>(message.payload);
  if (!greeted_ && !may_come_first)
    return fail_process(corrupt(fmt::format("wanted hello first, the card process sent {}",
                                            jobs::type_name(message.type()))));
  std::visit([this, &message](const auto& payload) { on_payload(message.id, payload); },
             message.payload);
}

void FleetLoop::on_payload(jobs::JobId /*id*/, const jobs::Hello& hello) {
  if (greeted_ || hello.protocol != jobs::kProtocolVersion)
    return fail_process(corrupt(fmt::format("hello: wanted one of protocol {}, found protocol {}{}",
                                            jobs::kProtocolVersion, hello.protocol,
                                            greeted_ ? " a second time" : "")));
  greeted_ = true;
  changed_ = true;
  AXLE_LOG_INFO("fleet", "card {} ({}) opened by {}", hello.device_id, hello.soc_name,
                hello.library);
  {
    const MutexLock lock(state_.mutex);
    state_.health.card = hello;
  }
  supervisor_.on_hello(
      now(), hello.software_card ? Supervisor::CardKind::kSoftware : Supervisor::CardKind::kReal);
  loads_pending_ = options_.models.size();
  for (const jobs::LoadJob& model : options_.models) {
    const Status status = link_.send({jobs::JobId{0}, model});
    if (!status.ok()) on_payload(jobs::JobId{0}, jobs::LoadFailed{model.model, status});
  }
  if (options_.models.empty()) supervisor_.on_models_settled(now());
}

void FleetLoop::load_settled() {
  changed_ = true;
  if (loads_pending_ > 0 && --loads_pending_ == 0) supervisor_.on_models_settled(now());
}

void FleetLoop::on_payload(jobs::JobId /*id*/, const jobs::ModelLoaded& loaded) {
  {
    const MutexLock lock(state_.mutex);
    ModelHealth* model = find_model(state_.health, loaded.model);
    if (model == nullptr) return;
    model->state = ModelState::kLoaded;
    model->status = Status();
    model->loaded = loaded;
  }
  AXLE_LOG_INFO("fleet", "model {} loaded in {} ms: {}", loaded.model, loaded.load_time.count(),
                loaded_text(loaded));
  loaded_.insert(loaded.model);
  load_settled();
}

void FleetLoop::on_payload(jobs::JobId /*id*/, const jobs::LoadProgress& progress) {
  const MutexLock lock(state_.mutex);
  if (ModelHealth* model = find_model(state_.health, progress.model)) model->loading = progress;
}

void FleetLoop::on_payload(jobs::JobId /*id*/, const jobs::LoadFailed& failed) {
  AXLE_LOG_ERROR("fleet", "model {} was not loaded: {}", failed.model, failed.status.to_string());
  {
    const MutexLock lock(state_.mutex);
    ModelHealth* model = find_model(state_.health, failed.model);
    if (model == nullptr) return;
    model->state = ModelState::kFailed;
    model->status = failed.status;
    state_.table.fail_model(failed.model, now(),
                            unavailable(fmt::format("model {} could not be loaded: {}",
                                                    failed.model, failed.status.message())));
  }
  load_settled();
}

void FleetLoop::on_payload(jobs::JobId /*id*/, const jobs::Heartbeat& heartbeat) {
  supervisor_.on_heartbeat(now(), heartbeat);
  changed_ = true;
  const MutexLock lock(state_.mutex);
  state_.health.heartbeat = heartbeat;
  state_.table.set_rates(heartbeat);
}

void FleetLoop::on_payload(jobs::JobId /*id*/, const jobs::Readings& readings) {
  if (readings.temperature_celsius) supervisor_.on_temperature(*readings.temperature_celsius);
  changed_ = true;
  const MutexLock lock(state_.mutex);
  state_.health.readings = readings;
  state_.health.readings_when = std::chrono::system_clock::now();
}

void FleetLoop::on_payload(jobs::JobId /*id*/, const jobs::CardLost& lost) {
  fail_process(lost.status.ok() ? card_lost("the card process gave no reason") : lost.status);
}

void FleetLoop::on_payload(jobs::JobId /*id*/, const jobs::Pong& /*pong*/) {}

template <typename Payload>
void FleetLoop::on_payload(jobs::JobId id, const Payload& payload) {
  if constexpr (std::is_constructible_v<jobs::JobEvent, const Payload&>) {
    on_job_event(id, payload);
  } else if constexpr (!std::same_as<Payload, jobs::Unloaded>) {
    fail_process(corrupt("the card process sent an order, wanted events and reports"));
  }
}

void FleetLoop::on_job_event(jobs::JobId id, jobs::JobEvent event) {
  const bool work = !std::holds_alternative<jobs::Accepted>(event) &&
                    !std::holds_alternative<jobs::Progress>(event);
  Status status;
  {
    const MutexLock lock(state_.mutex);
    status = state_.table.on_event(now(), id, std::move(event));
  }
  if (!status.ok()) return fail_process(status);
  if (work) supervisor_.on_work(now());
}

void FleetLoop::expire() {
  const MutexLock lock(state_.mutex);
  const std::vector<jobs::JobId> running = state_.table.expire(now());
  state_.cancelled.insert(state_.cancelled.end(), running.begin(), running.end());
}

void FleetLoop::send_cancels() {
  std::vector<jobs::JobId> cancelled;
  std::vector<jobs::JobId> interrupted;
  {
    const MutexLock lock(state_.mutex);
    cancelled.swap(state_.cancelled);
    interrupted.swap(state_.interrupted);
  }
  // The connection may be gone: then the job is too.
  for (const jobs::JobId id : cancelled) static_cast<void>(link_.send({id, jobs::Cancel{}}).ok());
  for (const jobs::JobId id : interrupted)
    static_cast<void>(link_.send({id, jobs::Interrupt{}}).ok());
}

void FleetLoop::dispatch() {
  if (!link_.connected() || loaded_.empty() || supervisor_.paused()) return;
  std::vector<JobTable::Send> sends;
  {
    const MutexLock lock(state_.mutex);
    sends = state_.table.take_sendable(
        now(), [this](const std::string& model) { return loaded_.contains(model); });
  }
  for (JobTable::Send& send : sends) {
    Status status = std::visit(
        [&](auto& job) {
          return link_.send({send.id, std::move(job)});
        },
        send.job);
    if (status.ok() && send.interrupt) status = link_.send({send.id, jobs::Interrupt{}});
    if (status.ok()) continue;
    const MutexLock lock(state_.mutex);
    state_.table.fail(send.id, now(), status);
  }
}

void FleetLoop::deliver() {
  std::vector<Delivery> deliveries;
  {
    const MutexLock lock(state_.mutex);
    deliveries = state_.table.take_deliveries();
  }
  for (const Delivery& delivery : deliveries) delivery.ticket->deliver(delivery.event);
}

void FleetLoop::publish() {
  if (!std::exchange(changed_, false)) return;
  remember_error();
  const CardState state = supervisor_.state();
  const std::string reason = supervisor_.reason();
  const MutexLock lock(state_.mutex);
  Health& health = state_.health;
  if (health.state != state || health.since == std::chrono::system_clock::time_point()) {
    AXLE_LOG_INFO("fleet", "card: {}{}{}", state_name(state), reason.empty() ? "" : ": ", reason);
    health.since = std::chrono::system_clock::now();
  }
  health.state = state;
  health.reason = reason;
  health.paused = supervisor_.paused();
  health.pid = link_.process().pid();
  health.restarts = supervisor_.restarts();
  health.reboots = supervisor_.reboots();
  state_.next_try = supervisor_.next_try();
  if (!link_.connected()) health.heartbeat = {};
}

bool FleetLoop::stop_is_due() const {
  const MutexLock lock(state_.mutex);
  return state_.stop_deadline && (state_.table.empty() || now() >= *state_.stop_deadline);
}

void FleetLoop::stop_process() {
  const bool loading = loads_pending_ > 0;
  {
    const MutexLock lock(state_.mutex);
    state_.table.fail_all(now(), unavailable("the server is stopping"));
  }
  deliver();
  supervisor_.stop();
  changed_ = true;
  publish();
  if (reboot_.running()) reboot_.kill();
  if (link_.connected() && greeted_) {
    static_cast<void>(link_.send({jobs::JobId{0}, jobs::Shutdown{}}).ok());
  } else {
    link_.process().kill();
  }
  const Time deadline = now() + (loading ? kShutdownLimitWhileLoading : kShutdownLimit);
  while (link_.process().running() && now() < deadline) {
    wait();
    link_.flush();
    incoming_.clear();
    if (link_.connected() && !link_.receive(incoming_).ok()) link_.process().kill();
    static_cast<void>(link_.process().try_reap());
  }
  link_.disconnect();
  link_.process() = ChildProcess();  // Kills it where it is still there.
}

}  // namespace axle::fleet
