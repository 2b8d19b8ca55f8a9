#pragma once

#include <concepts>
#include <type_traits>

#include "jobs/frame.h"

// The fields of every message, named once. `codec` is a HeadWriter (then `value` is const) or a
// HeadReader.
namespace axle::jobs {

template <typename Value, typename T>
concept Is = std::same_as<std::remove_const_t<Value>, T>;

template <typename Codec>
void describe(Codec& codec, Is<GenerateJob> auto& value) {
  codec.field("model", value.model);
  codec.field("prompt", value.prompt);
  codec.field("generated", value.generated);
  codec.field("max_new_tokens", value.max_new_tokens);
  codec.field("end_tokens", value.end_tokens);
  codec.field("priority", value.priority);
  codec.field("top_logprobs", value.top_logprobs);
  auto& sampling = value.sampling;
  codec.field("temperature", sampling.temperature);
  codec.field("top_p", sampling.top_p);
  codec.field("top_k", sampling.top_k);
  codec.field("min_p", sampling.min_p);
  codec.field("repetition_penalty", sampling.repetition_penalty);
  codec.field("frequency_penalty", sampling.frequency_penalty);
  codec.field("presence_penalty", sampling.presence_penalty);
  codec.field("penalty_window", sampling.penalty_window);
  codec.field("logit_bias", sampling.logit_bias);
  codec.field("seed", sampling.seed);
  codec.field("typical_p", sampling.typical_p);
  auto& dry = sampling.dry;
  codec.field("dry_multiplier", dry.multiplier);
  codec.field("dry_base", dry.base);
  codec.field("dry_allowed_length", dry.allowed_length);
  codec.field("dry_window", dry.window);
  codec.field("dry_breakers", dry.breakers);
}

template <typename Codec>
void describe(Codec& codec, Is<LoadJob> auto& value) {
  codec.field("model", value.model);
  codec.field("folder", value.folder);
}

template <typename Codec>
void describe(Codec& codec, Is<UnloadJob> auto& value) {
  codec.field("model", value.model);
}

template <typename Codec>
void describe(Codec& codec, Is<Pause> auto& value) {
  codec.field("paused", value.paused);
}

template <typename Codec>
void describe(Codec& codec, Is<Hello> auto& value) {
  codec.field("protocol", value.protocol);
  codec.field("library", value.library);
  codec.field("software_card", value.software_card);
  codec.field("device_id", value.device_id);
  codec.field("soc_name", value.soc_name);
  codec.field("runtime_version", value.runtime_version);
}

template <typename Codec>
void describe(Codec& codec, Is<Accepted> auto& value) {
  codec.field("queue_position", value.queue_position);
}

template <typename Codec>
void describe(Codec& codec, Is<Progress> auto& value) {
  codec.field("prefill_done", value.prefill_done);
  codec.field("prefill_total", value.prefill_total);
}

template <typename Codec>
void describe(Codec& codec, Is<Tokens> auto& value) {
  codec.field("ids", value.ids);
  codec.field("first_index", value.first_index);
  codec.field("logprobs", value.logprobs);
}

template <typename Codec>
void describe(Codec& codec, Is<Done> auto& value) {
  codec.field("finish", value.finish);
  codec.field("prompt_tokens", value.usage.prompt_tokens);
  codec.field("cached_tokens", value.usage.cached_tokens);
  codec.field("completion_tokens", value.usage.completion_tokens);
  codec.field("queued_us", value.timings.queued);
  codec.field("prefill_us", value.timings.prefill);
  codec.field("decode_us", value.timings.decode);
  codec.field("row_by_row", value.timings.row_by_row);
}

template <typename Codec>
void describe(Codec& codec, Is<Failed> auto& value) {
  codec.field("status", value.status);
  codec.field("retry_may_help", value.retry_may_help);
}

template <typename Codec>
void describe(Codec& codec, Is<ModelLoaded> auto& value) {
  codec.field("model", value.model);
  codec.field("layers", value.layers);
  codec.field("hidden", value.hidden);
  codec.field("vocab_size", value.vocab_size);
  codec.field("context_tokens", value.context_tokens);
  codec.field("card_bytes", value.card_bytes);
  codec.field("load_time_ms", value.load_time);
  codec.field("probe", value.probe);
}

template <typename Codec>
void describe(Codec& codec, Is<LoadProgress> auto& value) {
  codec.field("model", value.model);
  codec.field("files_done", value.files_done);
  codec.field("files_total", value.files_total);
}

template <typename Codec>
void describe(Codec& codec, Is<LoadFailed> auto& value) {
  codec.field("model", value.model);
  codec.field("status", value.status);
}

template <typename Codec>
void describe(Codec& codec, Is<Unloaded> auto& value) {
  codec.field("model", value.model);
}

template <typename Codec>
void describe(Codec& codec, Is<Heartbeat> auto& value) {
  codec.field("call_running_us", value.call_running_us);
  codec.field("call", value.call);
  codec.field("running", value.running);
  codec.field("waiting", value.waiting);
  codec.field("cells_used", value.cells_used);
  codec.field("cells_total", value.cells_total);
  codec.field("kv_banks", value.kv_banks);
  codec.field("host_cache_bytes", value.host_cache_bytes);
  codec.field("prompt_token_s", value.prompt_token_s);
  codec.field("new_token_s", value.new_token_s);
  codec.field("picture_step_s", value.picture_step_s);
  codec.field("picture_rest_s", value.picture_rest_s);
}

template <typename Codec>
void describe(Codec& codec, Is<Readings> auto& value) {
  codec.field("temperature_celsius", value.temperature_celsius);
  codec.field("card_memory_total_bytes", value.card_memory_total_bytes);
  codec.field("card_memory_free_bytes", value.card_memory_free_bytes);
  codec.field("npu_percent", value.npu_percent);
  codec.field("cpu_percent", value.cpu_percent);
}

template <typename Codec>
void describe(Codec& codec, Is<CardLost> auto& value) {
  codec.field("status", value.status);
}

template <typename Codec>
void describe(Codec& codec, Is<PictureJob> auto& value) {
  codec.field("model", value.model);
  codec.field("width", value.width);
  codec.field("height", value.height);
  codec.field("prompt", value.prompt);
  codec.field("negative", value.negative);
  codec.field("guidance", value.guidance);
  codec.field("timesteps", value.timesteps);
  codec.field("seed", value.seed);
  codec.field("variation_seed", value.variation_seed);
  codec.field("variation", value.variation);
  codec.field("noise", value.noise);
  codec.field("image", value.image);
  codec.field("mask", value.mask);
  codec.field("previews", value.previews);
  codec.field("priority", value.priority);
  codec.field("steps_done", value.steps_done);
  codec.field("latents", value.latents);
}

template <typename Codec>
void describe(Codec& codec, Is<PictureStep> auto& value) {
  codec.field("steps_done", value.steps_done);
  codec.field("steps_total", value.steps_total);
  codec.field("latents", value.latents);
  codec.field("preview_width", value.preview_width);
  codec.field("preview_height", value.preview_height);
  codec.field("preview", value.preview);
}

template <typename Codec>
void describe(Codec& codec, Is<PictureDone> auto& value) {
  codec.field("width", value.width);
  codec.field("height", value.height);
  codec.field("pixels", value.pixels);
  codec.field("steps", value.steps);
  codec.field("interrupted", value.interrupted);
  codec.field("queued_us", value.timings.queued);
  codec.field("text_us", value.timings.text);
  codec.field("encode_us", value.timings.encode);
  codec.field("steps_us", value.timings.steps);
  codec.field("decode_us", value.timings.decode);
}

// Messages without fields: cancel, interrupt, status request, shutdown, ping, pong.
template <typename Codec, typename T>
requires std::is_empty_v<T>
void describe(Codec& /*codec*/, T& /*value*/) {}

}  // namespace axle::jobs
