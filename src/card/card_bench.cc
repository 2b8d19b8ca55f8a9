// What this client costs on top of the library's own calls. The fake library's calls take next to
// no time, so the difference between "Raw" and the others is the client's.
#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "card/card.h"
#include "card/device_buffer.h"
#include "card/engine.h"
#include "card/fake_axcl.h"

namespace axle::card {
namespace {

template <typename Function>
Function symbol(const char* name) {
  void* handle = dlopen(AXLE_FAKE_AXCL, RTLD_NOW | RTLD_LOCAL);
  void* address = handle != nullptr ? dlsym(handle, name) : nullptr;
  if (address == nullptr) std::abort();
  return reinterpret_cast<Function>(address);
}

// A card of the fake library with one engine, all tensors bound.
struct Setup {
  Setup() : library(*Library::open(options())), card(*Card::open(*library)) {
    std::ofstream("/tmp/axle_card_bench.axmodel") << "x";
    engine = std::make_unique<Engine>(*Engine::load(*card, "/tmp/axle_card_bench.axmodel"));
    std::remove("/tmp/axle_card_bench.axmodel");
    buffer = *DeviceBuffer::allocate(*card, 4096);
    binding = std::make_unique<Binding>(*engine->make_binding(0));
    const bool bound = binding->bind_input(0, buffer.slice(0, 64)).ok() &&
                       binding->bind_input(1, buffer.slice(64, 16)).ok() &&
                       binding->bind_output(0, buffer.slice(128, 16)).ok() &&
                       binding->bind_output(1, buffer.slice(256, 16)).ok();
    if (!bound) std::abort();
    symbol<FakeAxcl* (*)()>("fake_axcl")()->quick = true;
  }
  static LibraryOptions options() {
    LibraryOptions result;
    result.library = AXLE_FAKE_AXCL;
    result.output = VendorOutput::kKeep;
    return result;
  }

  std::unique_ptr<Library> library;
  std::unique_ptr<Card> card;
  std::unique_ptr<Engine> engine;
  DeviceBuffer buffer;
  std::unique_ptr<Binding> binding;
};

Setup& setup() {
  static Setup* const instance = new Setup;  // Lives to the end: no library call at exit.
  return *instance;
}

void raw_memcpy(benchmark::State& state) {
  auto* copy = symbol<std::int32_t (*)(void*, const void*, std::size_t, int)>("axclrtMemcpy");
  setup();
  char target[4];
  const char source[4] = {};
  for (auto step : state) benchmark::DoNotOptimize(copy(target, source, sizeof source, 1));
}
BENCHMARK(raw_memcpy)->Name("Raw axclrtMemcpy");

void buffer_write(benchmark::State& state) {
  const std::byte source[4] = {};
  DeviceBuffer& buffer = setup().buffer;
  for (auto step : state) benchmark::DoNotOptimize(buffer.write(512, source).ok());
}
BENCHMARK(buffer_write)->Name("DeviceBuffer::write");

void raw_execute(benchmark::State& state) {
  using Execute = std::int32_t (*)(std::uint64_t, std::uint64_t, std::uint32_t, void*);
  using CreateIo = std::int32_t (*)(void*, void**);
  using Bind = std::int32_t (*)(void*, std::uint32_t, const void*, std::uint64_t);
  Setup& all = setup();
  void* io = nullptr;
  symbol<CreateIo>("axclrtEngineCreateIO")(nullptr, &io);
  auto* bind_input = symbol<Bind>("axclrtEngineSetInputBufferByIndex");
  auto* bind_output = symbol<Bind>("axclrtEngineSetOutputBufferByIndex");
  for (std::uint32_t i = 0; i < 2; ++i) {
    bind_input(io, i, reinterpret_cast<void*>(all.binding->input(i).address), 16);
    bind_output(io, i, reinterpret_cast<void*>(all.binding->output(i).address), 16);
  }
  auto* execute = symbol<Execute>("axclrtEngineExecute");
  for (auto step : state) benchmark::DoNotOptimize(execute(1, 1, 0, io));
}
BENCHMARK(raw_execute)->Name("Raw axclrtEngineExecute");

void engine_run(benchmark::State& state) {
  Setup& all = setup();
  for (auto step : state) benchmark::DoNotOptimize(all.engine->run(*all.binding).ok());
}
BENCHMARK(engine_run)->Name("Engine::run");

void identical_rebind(benchmark::State& state) {
  Setup& all = setup();
  const DeviceSpan same = all.binding->input(1);
  for (auto step : state) benchmark::DoNotOptimize(all.binding->bind_input(1, same).ok());
}
BENCHMARK(identical_rebind)->Name("Binding::bind_input, unchanged");

}  // namespace
}  // namespace axle::card

BENCHMARK_MAIN();
