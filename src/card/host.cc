#include "card/host.h"

#include <algorithm>
#include <fstream>
#include <system_error>

#include "card/host_files.h"

namespace axle::card {
namespace {

constexpr std::size_t kLongestFile = std::size_t{1} << 20;
constexpr std::string_view kPciDevices = "/sys/bus/pci/devices";

// Names in a folder, sorted; none when it cannot be read.
std::vector<std::filesystem::path> entries(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  std::filesystem::directory_iterator it(folder, error);
  while (!error && it != std::filesystem::directory_iterator()) {
    found.push_back(it->path());
    it.increment(error);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string without_end(std::string text) {
  while (!text.empty() && (text.back() == '\0' || text.back() == '\n')) text.pop_back();
  return text;
}

// The vendor's PCI id is 1f4b:0650. Source: AXCL host driver V3.10.2; lspci of an LLM-8850.
bool is_card(const Host& host, const std::string& folder) {
  return without_end(host.text(folder + "/vendor").value_or("")) == "0x1f4b" &&
         without_end(host.text(folder + "/device").value_or("")) == "0x0650";
}

}  // namespace

std::filesystem::path Host::at(std::string_view path) const {
  return root / std::filesystem::path(path).relative_path();
}

bool Host::exists(std::string_view path) const {
  std::error_code error;
  return std::filesystem::exists(at(path), error);
}

std::optional<std::string> Host::text(std::string_view path) const {
  std::ifstream file(at(path), std::ios::binary);
  if (!file) return std::nullopt;
  std::string content(kLongestFile, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (file.bad()) return std::nullopt;
  content.resize(static_cast<std::size_t>(file.gcount()));
  return content;
}

Host look_at_host(const DoctorOptions& options) {
  Host host;
  host.root = options.root;
  host.models = options.models;
  host.model = without_end(host.text("/proc/device-tree/model").value_or(""));
  host.raspberry_pi = host.model.starts_with("Raspberry Pi");
  for (const std::filesystem::path& entry : entries(host.at(kPciDevices))) {
    const std::string folder = std::string(kPciDevices) + "/" + entry.filename().string();
    if (is_card(host, folder)) host.cards.push_back({entry.filename().string(), folder});
  }
  return host;
}

}  // namespace axle::card
