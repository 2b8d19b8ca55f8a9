#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/automatic1111/answers.h"
#include "api/automatic1111/caller_runs.h"
#include "api/automatic1111/delivery.h"
#include "api/automatic1111/paint_plan.h"
#include "api/automatic1111/reply.h"
#include "api/automatic1111/request.h"
#include "base/status.h"
#include "pictures/run.h"

namespace axle::api::automatic1111 {

// One request for pictures from its run to its answer. A run that is cancelled lets go of it
// unanswered: its client has gone, or has been told otherwise.
//
// Threading: as RunListener says.
class Painting : public pictures::RunListener {
 public:
  struct Parts {
    Reply reply;
    Request request;
    PaintPlan plan;
    Delivery delivery;
    PaintedHead head;
    std::unique_ptr<CallerRuns::Ticket> ticket;  // The caller's run, for as long as it goes on.
  };
  explicit Painting(Parts parts);

  CallerRuns::Ticket& ticket() { return *parts_.ticket; }

  void on_glimpse(const pictures::Glimpse& glimpse) override;
  void on_picture(pictures::Painted painted) override;
  void on_end(const Status& status) override;

 private:
  // The bytes that the answer has of it; empty where it has none.
  Result<std::string> write(const pictures::Painted& painted);
  void answer_with_bytes();
  void answer_with_json();

  Parts parts_;
  std::vector<PaintedPicture> pictures_;
  jobs::PictureTimings timings_;  // Of the first one.
  Status flaw_;                   // The first picture that could not be written.
};

}  // namespace axle::api::automatic1111
