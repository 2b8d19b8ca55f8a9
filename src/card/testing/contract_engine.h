#pragma once

#include <cstdint>
#include <filesystem>

// The engine that the contract tests load on the software card.
namespace axle::card {

inline constexpr std::int32_t kContractHidden = 64;
inline constexpr std::int32_t kContractVocab = 96;

// Writes a small head engine (input [1, 1, 64] bf16 -> output [1, 1, 96] bf16) into the tests'
// temporary folder. Each process has a file of its own.
std::filesystem::path write_contract_engine();

}  // namespace axle::card
