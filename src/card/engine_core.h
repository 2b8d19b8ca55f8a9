#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "card/engine.h"
#include "card/session.h"

// What an Engine and its Bindings share. Private to the room.
namespace axle::card::detail {

struct EngineCore {
  EngineCore() = default;
  ~EngineCore();
  EngineCore(const EngineCore&) = delete;
  EngineCore& operator=(const EngineCore&) = delete;

  // Unloads; repeating it does nothing. Errors: what the library says.
  Status unload();
  // Ok, or why nothing can be run: the card's loss, or the engine's unloading.
  Status usable() const;

  std::shared_ptr<Session> session;  // Shared with the card: knows whether it still lives.
  std::filesystem::path path;
  std::uint64_t model_id = 0;  // 0: not loaded (any more).
  std::uint64_t context_id = 0;
  abi::Handle io_info = nullptr;  // Owned while loaded.
  std::vector<GroupInfo> groups;
  std::string compiler_version;
  std::optional<std::uint64_t> memory_bytes;
};

// Reads groups, version and memory of `core`'s loaded model into it.
// Errors: kCorrupt  the library describes an impossible engine. Else as Engine::load.
Status describe_engine(EngineCore& core);

}  // namespace axle::card::detail
