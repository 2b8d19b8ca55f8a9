#include "llm/reference.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "card/card.h"
#include "card/device_buffer.h"
#include "llm/embeddings.h"
#include "llm/engines.h"
#include "llm/kv_cache.h"
#include "llm/request_check.h"
#include "llm/sampler.h"

namespace axle::llm {

class Reference::Impl {
 public:
  explicit Impl(Model& model)
      : model_(model),
        limits_{model.vocab_size(), model.context_tokens()},
        sampler_(model.vocab_size()) {}

  Status prepare();
  Result<ReferenceText> generate(const GenerateRequest& request);

 private:
  // One row through all layers: `token` at position `index`, its K and V into cell `index`.
  Status run_row(TokenId token, std::size_t index);
  Result<card::DeviceBuffer> allocate(std::size_t elements, std::size_t element_bytes);

  Model& model_;
  ModelLimits limits_;
  Sampler sampler_;
  package::Group decode_;
  KvCache cache_;
  card::DeviceBuffer indices_, mask_, hidden_[2], k_row_, v_row_, logits_;
  std::vector<card::Binding> layers_;
  std::vector<card::Binding> post_;  // One.
  std::vector<Bf16> host_logits_;
};

Result<card::DeviceBuffer> Reference::Impl::allocate(std::size_t elements,
                                                     std::size_t element_bytes) {
  return card::DeviceBuffer::allocate(model_.card(), elements * element_bytes);
}

Status Reference::Impl::prepare() {
  const package::PackageInfo& info = model_.package().info();
  for (const package::Group& group : info.shape.groups) {
    if (group.decode() && group.history == info.shape.cells()) decode_ = group;
  }
  const std::size_t widest = *std::max_element(info.kv_widths.begin(), info.kv_widths.end());
  AXLE_TRY_ASSIGN(cache_,
                  KvCache::allocate(model_.card(), info.shape.cache_rows(), info.kv_widths));
  AXLE_TRY_ASSIGN(indices_, allocate(1, sizeof(std::uint32_t)));
  AXLE_TRY_ASSIGN(mask_, allocate(decode_.history + 1, sizeof(Bf16)));
  AXLE_TRY_ASSIGN(hidden_[0], allocate(info.shape.hidden, sizeof(Bf16)));
  AXLE_TRY_ASSIGN(hidden_[1], allocate(info.shape.hidden, sizeof(Bf16)));
  AXLE_TRY_ASSIGN(k_row_, allocate(widest, sizeof(Bf16)));
  AXLE_TRY_ASSIGN(v_row_, allocate(widest, sizeof(Bf16)));
  AXLE_TRY_ASSIGN(logits_, allocate(limits_.vocab_size, sizeof(Bf16)));
  host_logits_.resize(limits_.vocab_size);

  Engines& engines = model_.engines();
  for (std::size_t layer = 0; layer < engines.layers.size(); ++layer) {
    const LayerMemory memory{.k_cache = cache_.k(layer),
                             .v_cache = cache_.v(layer),
                             .indices = indices_.span(),
                             .input = hidden_[layer % 2].span(),
                             .mask = mask_.span(),
                             .k_cache_out = k_row_.span(),
                             .v_cache_out = v_row_.span(),
                             .output = hidden_[(layer + 1) % 2].span()};
    AXLE_TRY_ASSIGN(card::Binding binding,
                    bind_layer(engines.layers[layer], decode_.index, memory));
    layers_.push_back(std::move(binding));
  }
  AXLE_TRY_ASSIGN(card::Binding post,
                  bind_post(engines, engines.head_groups.front(),
                            hidden_[engines.layers.size() % 2].span(), logits_.span()));
  post_.push_back(std::move(post));
  return {};
}

Status Reference::Impl::run_row(TokenId token, std::size_t index) {
  const auto position = static_cast<std::uint32_t>(index);
  std::vector<Bf16> mask(decode_.history + 1, kBf16Hidden);
  std::fill_n(mask.begin(), index, kBf16Zero);
  mask.back() = kBf16Zero;
  AXLE_TRY(indices_.write(0, std::as_bytes(std::span(&position, 1))));
  AXLE_TRY(mask_.write(0, std::as_bytes(std::span(mask))));
  AXLE_TRY(hidden_[0].write(0, std::as_bytes(model_.embeddings().row(token))));
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    AXLE_TRY(model_.engines().layers[layer].run(layers_[layer]));
    const std::size_t bytes = cache_.row_bytes(layer);
    AXLE_TRY(card::copy(model_.card(), k_row_.slice(0, bytes), cache_.k_rows(layer, position, 1)));
    AXLE_TRY(card::copy(model_.card(), v_row_.slice(0, bytes), cache_.v_rows(layer, position, 1)));
  }
  return {};
}

Result<ReferenceText> Reference::Impl::generate(const GenerateRequest& request) {
  AXLE_TRY(check_request(request, limits_));
  ReferenceText text{.ids = request.generated, .finish = jobs::Finish::kLength};
  std::vector<TokenId> tokens = request.prompt;
  tokens.insert(tokens.end(), request.generated.begin(), request.generated.end());
  std::size_t computed = 0;
  while (!is_complete(request, text.ids.size(), limits_)) {
    for (; computed < tokens.size(); ++computed) AXLE_TRY(run_row(tokens[computed], computed));
    AXLE_TRY(model_.engines().post.run(post_.front()));
    AXLE_TRY(logits_.read(0, std::as_writable_bytes(std::span(host_logits_))));
    AXLE_TRY_ASSIGN(const TokenId token,
                    sampler_.sample(host_logits_, request.sampling, {request.prompt, text.ids}));
    if (std::find(request.end_tokens.begin(), request.end_tokens.end(), token) !=
        request.end_tokens.end()) {
      text.finish = jobs::Finish::kStop;
      return text;
    }
    text.ids.push_back(token);
    tokens.push_back(token);
  }
  return text;
}

Reference::Reference(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reference::~Reference() = default;

Result<std::unique_ptr<Reference>> Reference::create(Model& model) {
  auto impl = std::make_unique<Impl>(model);
  AXLE_TRY(impl->prepare());
  return std::unique_ptr<Reference>(new Reference(std::move(impl)));
}

Result<ReferenceText> Reference::generate(const GenerateRequest& request) {
  return impl_->generate(request);
}

Result<std::vector<TokenId>> reference_generate(Model& model, const GenerateRequest& request) {
  AXLE_TRY_ASSIGN(const std::unique_ptr<Reference> reference, Reference::create(model));
  AXLE_TRY_ASSIGN(ReferenceText text, reference->generate(request));
  return std::move(text.ids);
}

}  // namespace axle::llm
