#include "fleet/fleet.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <variant>

#include "fleet/fleet_loop.h"
#include "fleet/fleet_state.h"

namespace axle::fleet {
namespace {

using std::chrono::seconds;

constexpr seconds kShortestRetry{1};
constexpr seconds kLongestRetry{600};
constexpr seconds kRetryWhileStarting{5};

Status check_options(const FleetOptions& options) {
  if (options.command.empty()) return invalid_argument("no command for the card process");
  if (options.queue_limit == 0 || options.running_limit == 0 || options.strikes_limit < 1)
    return invalid_argument(
        fmt::format("limits must be at least 1: queue {}, running {}, strikes {}",
                    options.queue_limit, options.running_limit, options.strikes_limit));
  for (auto model = options.models.begin(); model != options.models.end(); ++model)
    if (std::any_of(options.models.begin(), model,
                    [&](const jobs::LoadJob& other) { return other.model == model->model; }))
      return invalid_argument(fmt::format("two models with the name \"{}\"", model->model));
  if (::access(options.command[0].c_str(), X_OK) != 0)
    return not_found(
        fmt::format("the card process {}: {}", options.command[0], std::strerror(errno)));
  return Status();
}

Status check_job(const jobs::GenerateJob& job) {
  const auto negative = [](jobs::TokenId id) { return id < 0; };
  if (job.prompt.empty()) return invalid_argument("a prompt needs at least one token");
  if (std::any_of(job.prompt.begin(), job.prompt.end(), negative) ||
      std::any_of(job.generated.begin(), job.generated.end(), negative))
    return invalid_argument("token ids must not be negative");
  if (job.max_new_tokens < 1 ||
      job.generated.size() >= static_cast<std::size_t>(job.max_new_tokens))
    return invalid_argument(fmt::format("max_new_tokens: wanted more than {}, found {}",
                                        job.generated.size(), job.max_new_tokens));
  return Status();
}

Status check_job(const jobs::PictureJob& job) {
  if (job.prompt.empty()) return invalid_argument("a prompt needs at least one token");
  if (job.width < 1 || job.height < 1)
    return invalid_argument(fmt::format("the size of a picture: wanted at least 1x1, found {}x{}",
                                        job.width, job.height));
  if (job.timesteps.empty()) return invalid_argument("a picture needs at least one timestep");
  return Status();
}

class FleetImpl final : public Fleet {
 public:
  FleetImpl(const FleetOptions& options, Descriptor wake);
  ~FleetImpl() override { stop(std::chrono::milliseconds(0)); }

  Result<jobs::JobId> submit(jobs::Job job, std::shared_ptr<JobSink> sink,
                             std::optional<Time> deadline) override;
  void cancel(jobs::JobId id) override;
  void interrupt(jobs::JobId id) override;
  std::optional<QueuePlace> queue_place(jobs::JobId id) const override;
  seconds retry_after() const override;
  Health health() const override;
  std::vector<ModelHealth> models() const override;
  Counters counters() const override;
  void stop(std::chrono::milliseconds limit) override;

 private:
  Result<jobs::JobId> submit_locked(jobs::Job job, std::shared_ptr<JobSink> sink,
                                    std::optional<Time> deadline) AXLE_REQUIRES(state_.mutex);
  Status check_model(const std::string& name) const AXLE_REQUIRES(state_.mutex);
  void wake() const;

  FleetState state_;
  FleetLoop loop_;
  Mutex join_mutex_;  // One stop() at a time joins the thread.
  std::thread thread_ AXLE_GUARDED_BY(join_mutex_);
};

FleetImpl::FleetImpl(const FleetOptions& options, Descriptor event)
    : state_({options.queue_limit, options.running_limit, options.strikes_limit}, std::move(event)),
      loop_(options, state_) {
  {
    const MutexLock lock(state_.mutex);
    for (const jobs::LoadJob& model : options.models) {
      ModelHealth health;
      health.name = model.model;
      health.folder = model.folder;
      state_.health.models.push_back(std::move(health));
    }
  }
  const MutexLock lock(join_mutex_);
  thread_ = std::thread([this] { loop_.run(); });
}

void FleetImpl::wake() const {
  const std::uint64_t one = 1;
  // Fails only when it is about to wake anyway.
  static_cast<void>(::write(state_.wake.get(), &one, sizeof one) == 0);
}

Status FleetImpl::check_model(const std::string& name) const {
  const std::vector<ModelHealth>& models = state_.health.models;
  const auto found = std::find_if(models.begin(), models.end(),
                                  [&name](const ModelHealth& model) { return model.name == name; });
  if (found == models.end()) {
    std::vector<std::string> names;
    for (const ModelHealth& model : models) names.push_back(model.name);
    return not_found(fmt::format("no model \"{}\"; there are: {}", name, fmt::join(names, ", ")));
  }
  if (found->state == ModelState::kFailed)
    return unavailable(
        fmt::format("model {} could not be loaded: {}", name, found->status.message()));
  return Status();
}

Result<jobs::JobId> FleetImpl::submit_locked(jobs::Job job, std::shared_ptr<JobSink> sink,
                                             std::optional<Time> deadline) {
  if (state_.stop_deadline) return unavailable("the server is stopping");
  if (state_.health.state == CardState::kLost)
    return unavailable("the card is lost: " + state_.health.reason);
  AXLE_TRY(check_model(jobs::model_of(job)));
  return state_.table.add(std::chrono::steady_clock::now(), std::move(job), std::move(sink),
                          deadline);
}

Result<jobs::JobId> FleetImpl::submit(jobs::Job job, std::shared_ptr<JobSink> sink,
                                      std::optional<Time> deadline) {
  if (sink == nullptr) return invalid_argument("a job needs a sink");
  AXLE_TRY(std::visit([](const auto& one) { return check_job(one); }, job));
  const MutexLock lock(state_.mutex);
  Result<jobs::JobId> id = submit_locked(std::move(job), std::move(sink), deadline);
  if (id.ok()) {
    wake();
  } else {
    ++state_.table.counters().refused;
  }
  return id;
}

void FleetImpl::cancel(jobs::JobId id) {
  const MutexLock lock(state_.mutex);
  if (state_.table.cancel(id)) state_.cancelled.push_back(id);
  wake();
}

void FleetImpl::interrupt(jobs::JobId id) {
  const MutexLock lock(state_.mutex);
  if (state_.table.interrupt(id)) state_.interrupted.push_back(id);
  wake();
}

std::optional<QueuePlace> FleetImpl::queue_place(jobs::JobId id) const {
  const MutexLock lock(state_.mutex);
  return state_.table.queue_place(id);
}

seconds FleetImpl::retry_after() const {
  const MutexLock lock(state_.mutex);
  const auto clamped = [](auto duration) {
    return std::clamp(std::chrono::ceil<seconds>(duration), kShortestRetry, kLongestRetry);
  };
  switch (state_.health.state) {
    case CardState::kReady:
    case CardState::kHot:
      return clamped(state_.table.wait_for_room());
    case CardState::kLost:
      if (state_.next_try) return clamped(*state_.next_try - std::chrono::steady_clock::now());
      [[fallthrough]];
    default:
      return clamped(
          std::max<std::chrono::milliseconds>(kRetryWhileStarting, state_.table.wait_for_room()));
  }
}

Health FleetImpl::health() const {
  const MutexLock lock(state_.mutex);
  Health health = state_.health;
  health.queued = static_cast<std::int32_t>(state_.table.queued());
  health.running = static_cast<std::int32_t>(state_.table.running());
  health.wait = state_.table.wait_of_next();
  for (ModelHealth& model : health.models) model.jobs = state_.table.count_of(model.name);
  return health;
}

std::vector<ModelHealth> FleetImpl::models() const {
  const MutexLock lock(state_.mutex);
  return state_.health.models;
}

Counters FleetImpl::counters() const {
  const MutexLock lock(state_.mutex);
  Counters counters = state_.table.counters();
  counters.restarts = state_.health.restarts;
  counters.reboots = state_.health.reboots;
  return counters;
}

void FleetImpl::stop(std::chrono::milliseconds limit) {
  {
    const MutexLock lock(state_.mutex);
    const Time deadline = std::chrono::steady_clock::now() + limit;
    state_.stop_deadline = std::min(state_.stop_deadline.value_or(deadline), deadline);
    wake();
  }
  const MutexLock lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

}  // namespace

Result<std::unique_ptr<Fleet>> Fleet::start(FleetOptions options) {
  AXLE_TRY(check_options(options));
  Descriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid())
    return unavailable(fmt::format("cannot make an event descriptor: {}", std::strerror(errno)));
  return std::unique_ptr<Fleet>(std::make_unique<FleetImpl>(options, std::move(wake)));
}

}  // namespace axle::fleet
