#pragma once

#include <boost/json.hpp>
#include <optional>

#include "api/openai/request_error.h"

namespace axle::api {

// Takes "<sd_cpp_extra_args>{...}</sd_cpp_extra_args>", in which clients of stable-diffusion.cpp's
// server write what OpenAI's interface has no fields for, out of the prompt. Its `seed`, `steps`,
// `cfg_scale`, `strength`, `negative_prompt`, `sample_params.sample_steps` and
// `sample_params.guidance.txt_cfg` become fields of the request where that has none of that name.
// Private to api/openai (this header needs Boost.JSON).
//
// Source: leejet/stable-diffusion.cpp, examples/server, API of the OpenAI routes.
// Errors: kInvalidArgument  no end tag, or what it holds is no JSON object.
std::optional<RequestError> take_extra_args(boost::json::object& fields);

}  // namespace axle::api
