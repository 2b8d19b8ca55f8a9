#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/automatic1111/answers.h"
#include "api/automatic1111/generate.h"
#include "api/automatic1111/request.h"
#include "base/check.h"

// Any body gives a request within its documented bounds, or an error with a text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace axle::api::automatic1111;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const Task task : {Task::kTxt2img, Task::kImg2img}) {
    const axle::Result<Request> request = parse_request(task, body);
    if (!request.ok()) {
      AXLE_CHECK(!request.status().message().empty());
      continue;
    }
    AXLE_CHECK(request->batch_size >= 1 && request->n_iter >= 1);
    AXLE_CHECK(request->batch_size * request->n_iter <= kMaxPictures);
    AXLE_CHECK(request->denoising_strength >= 0 && request->denoising_strength <= 1);
    AXLE_CHECK(task == Task::kTxt2img || !request->init_images.empty());
  }
  const axle::Result<Request> one = parse_generate(body);
  AXLE_CHECK(one.ok() ? one->batch_size * one->n_iter == 1 : !one.status().message().empty());
  const axle::Result<TaskQuestion> question = parse_task_question(body);
  AXLE_CHECK(question.ok() ? question->preview_id >= -1 : !question.status().message().empty());
  const axle::Result<OptionsChange> change = parse_options(body);
  AXLE_CHECK(change.ok() || !change.status().message().empty());
  return 0;
}
