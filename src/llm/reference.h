#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "jobs/job.h"
#include "llm/generator.h"
#include "llm/model.h"

namespace axle::llm {

// What a request must give, whoever else is served: the truth of tests.
struct ReferenceText {
  std::vector<TokenId> ids;  // New tokens, `generated` included; without the end token.
  jobs::Finish finish = jobs::Finish::kStop;
};

// Writes texts the plain way: one row at a time through the decode group, token i in cell i, K/V
// memory and buffers of its own, blocking calls. It shares the engines of a Model and nothing else
// of how the Generator works but the sampler.
//
// Threading: one thread at a time; not while the Model runs a step.
// Lifetime: the Model must outlive it.
class Reference {
 public:
  // Errors: kExhausted  no room on the card. kCardLost.
  static Result<std::unique_ptr<Reference>> create(Model& model);
  ~Reference();
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;

  // Errors: kInvalidArgument  as Generator::add. kCardLost, kUnavailable  the card failed.
  Result<ReferenceText> generate(const GenerateRequest& request);

 private:
  class Impl;
  explicit Reference(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// One text with a Reference of its own. Errors: as Reference.
Result<std::vector<TokenId>> reference_generate(Model& model, const GenerateRequest& request);

}  // namespace axle::llm
