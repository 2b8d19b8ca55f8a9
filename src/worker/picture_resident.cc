#include "worker/picture_resident.h"

#include <algorithm>
#include <utility>

namespace axle::worker {
namespace {

class Forwarder final : public diffusion::PaintEvents {
 public:
  explicit Forwarder(JobEvents& events) : events_(events) {}
  void step(jobs::JobId id, jobs::PictureStep event) override {
    events_.on_event(id, std::move(event));
  }
  void done(jobs::JobId id, jobs::PictureDone event) override {
    events_.on_event(id, std::move(event));
  }
  void given_up(jobs::JobId id) override {
    events_.on_event(id, jobs::Failed{cancelled("interrupted before it was begun"), false});
  }

 private:
  JobEvents& events_;
};

}  // namespace

Result<std::unique_ptr<PictureResident>> PictureResident::load(
    card::Card& card, const package::PicturePackage& package,
    const diffusion::PictureModel::LoadCallback& progress) {
  std::unique_ptr<PictureResident> made(new PictureResident());
  AXLE_TRY_ASSIGN(made->model_, diffusion::PictureModel::load(card, package, progress));
  made->painter_ = std::make_unique<diffusion::Painter>(
      [model = made->model_.get()](std::int32_t width, std::int32_t height) {
        return model->find(width, height);
      });
  made->description_.card_bytes = static_cast<std::int64_t>(made->model_->memory_bytes());
  return made;
}

Status PictureResident::add(jobs::JobId id, const jobs::Job& job) {
  const auto* picture = std::get_if<jobs::PictureJob>(&job);
  if (picture == nullptr)
    return invalid_argument("this is a picture model: wanted a picture to paint, found a text");
  return painter_->add(id, *picture);
}

Status PictureResident::step(JobEvents& events) {
  Forwarder forwarder(events);
  return painter_->step(forwarder);
}

void PictureResident::add_load(HostLoad& figures) const {
  const diffusion::PainterLoad load = painter_->load();
  figures.running += static_cast<std::int32_t>(load.running);
  figures.waiting += static_cast<std::int32_t>(load.waiting);
  figures.picture_step_s = std::max(figures.picture_step_s, load.step_s);
  figures.picture_rest_s = std::max(figures.picture_rest_s, load.rest_s);
}

}  // namespace axle::worker
