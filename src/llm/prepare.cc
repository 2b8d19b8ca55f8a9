#include "llm/prepare.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "llm/measure.h"
#include "llm/probe.h"
#include "llm/probe_cache.h"

namespace axle::llm {
namespace {

using Clock = std::chrono::steady_clock;

// What the timing of steps may add to a load.
constexpr std::chrono::milliseconds kMeasureBudget{500};
// A point that lost the card once may have had bad luck.
constexpr int kMostLosses = 2;

// Costs are those of an order, and in the vendor's nothing else is tried.
std::string_view order_text(OrderChoice order) {
  if (order == OrderChoice::kAuto) return "";
  return order == OrderChoice::kVendor ? ", order vendor" : ", order chained";
}

void warn_of(const std::string& model, const ProbeReport& report) {
  for (std::size_t i = 0; i < kDecidingPoints; ++i) {
    const auto point = static_cast<ProbePoint>(i);
    if (!report.refuses(point)) continue;
    const double ulps = report[point].ulps;
    AXLE_LOG_WARN("llm", "{}: the card is not trusted with \"{}\" ({}): {}", model,
                  point_name(point),
                  std::isfinite(ulps) ? fmt::format("off by {:.3g} ulp", ulps) : "no usable result",
                  cost_of_refusal(point));
  }
}

void warn_unless(const Status& status, const std::string& model) {
  if (!status.ok()) {
    AXLE_LOG_WARN("llm", "{}: what the probe finds cannot be kept: {}", model, status.message());
  }
}

class Preparation {
 public:
  Preparation(Model& model, const PrepareOptions& options)
      : model_(model), options_(options), cache_(options.cache_folder) {}

  Result<Prepared> run() {
    if (options_.probe == ProbeChoice::kOff) return finish("not probed");
    AXLE_TRY_ASSIGN(record_.key, probe_key(model_.card(), model_.package()));
    record_.key.setup += order_text(options_.order);
    if (options_.probe == ProbeChoice::kAuto) {
      if (std::optional<ProbeRecord> known = cache_.find(record_.key)) {
        record_ = *std::move(known);
        return finish("probed before");
      }
    }
    const auto begin = Clock::now();
    if (const Status probed = probe_now(); !probed.ok()) {
      if (probed.code() == Code::kCardLost) return probed;
      AXLE_LOG_WARN("llm", "{}: the probe failed, the card is used in the plainest way: {}", name(),
                    probed.to_string());
      record_.report = nothing_trusted();
      record_.costs.clear();
      return finish("probe failed");
    }
    warn_unless(cache_.keep(record_), name());
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
    return finish(fmt::format("probed in {} ms", took.count()));
  }

 private:
  const std::string& name() const { return model_.package().name(); }

  Status probe_now() {
    ProbeOptions probe_options;
    probe_options.wanted = options_.step;
    if (options_.order == OrderChoice::kVendor) probe_options.wanted.order = StepOrder::kVendor;
    const ProbeCache::Losses before = cache_.losses(record_.key);
    for (std::size_t i = 0; i < kProbePoints; ++i) {
      probe_options.skip[i] = before[i] >= kMostLosses;
    }
    probe_options.trying = [&](ProbePoint point) {
      ProbeCache::Losses losses = before;
      ++losses[static_cast<std::size_t>(point)];
      warn_unless(cache_.keep_losses(record_.key, losses), name());
    };
    AXLE_TRY_ASSIGN(record_.report, probe(model_, probe_options));
    warn_unless(cache_.keep_losses(record_.key, {}), name());
    AXLE_TRY(use());
    AXLE_TRY_ASSIGN(record_.costs, measure_costs(model_, kMeasureBudget));
    return {};
  }

  Status use() { return model_.use(step_options(record_.report, options_.order, options_.step)); }

  Result<Prepared> finish(const std::string& how) {
    AXLE_TRY(use());
    warn_of(name(), record_.report);
    Prepared prepared{.report = record_.report,
                      .summary = how,
                      .generator = generator_options(record_.report, model_.package().info().shape,
                                                     options_.generator)};
    if (options_.probe != ProbeChoice::kOff) {
      prepared.summary += "; " + describe(record_.report);
    }
    prepared.generator.costs = record_.costs;
    return prepared;
  }

  Model& model_;
  const PrepareOptions& options_;
  ProbeCache cache_;
  ProbeRecord record_;
};

}  // namespace

Result<Prepared> prepare(Model& model, const PrepareOptions& options) {
  return Preparation(model, options).run();
}

}  // namespace axle::llm
