#pragma once

#include <memory>

#include "card/card.h"
#include "diffusion/model.h"
#include "diffusion/painter.h"
#include "package/picture_package.h"
#include "worker/resident.h"

namespace axle::worker {

// A picture model: one unit is one engine run of one picture.
class PictureResident final : public Resident {
 public:
  // Errors: as diffusion::PictureModel::load.
  static Result<std::unique_ptr<PictureResident>> load(
      card::Card& card, const package::PicturePackage& package,
      const diffusion::PictureModel::LoadCallback& progress);

  jobs::ModelLoaded description() const override { return description_; }
  Status add(jobs::JobId id, const jobs::Job& job) override;
  void cancel(jobs::JobId id) override { painter_->cancel(id); }
  void interrupt(jobs::JobId id) override { painter_->interrupt(id); }
  bool idle() const override { return painter_->idle(); }
  std::int32_t priority() const override { return painter_->priority(); }
  Status step(JobEvents& events) override;
  void add_load(HostLoad& figures) const override;

 private:
  PictureResident() = default;

  std::unique_ptr<diffusion::PictureModel> model_;
  std::unique_ptr<diffusion::Painter> painter_;  // Uses the model: goes first.
  jobs::ModelLoaded description_;
};

}  // namespace axle::worker
