#pragma once

#include <memory>
#include <vector>

#include "api/openai/served_model.h"
#include "app/config.h"
#include "base/result.h"
#include "jobs/job.h"
#include "pictures/served_pictures.h"

namespace axle::app {

// The models of a server: what the card loads, and what the front knows of them.
struct ModelChoice {
  std::vector<jobs::LoadJob> jobs;
  std::vector<std::shared_ptr<const api::ServedModel>> texts;
  std::vector<std::shared_ptr<const pictures::ServedPictures>> pictures;

  // "a", "b": all of them.
  std::string names() const;
};

// Reads the words of the configured models, or of all in the folder. A model that was asked for by
// name must be fine; one that merely lies in the folder is left out with a warning.
//
// Errors: kNotFound  a model that was asked for, or any model at all.
//         kCorrupt   none of the models in the folder can be used.
//         those of ServedModel::load and ServedPictures::load, of a model that was asked for.
Result<ModelChoice> choose_models(const Config& config);

}  // namespace axle::app
