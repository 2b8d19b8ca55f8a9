#include "softcard/vendor_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "base/mutex.h"

namespace axle::softcard {
namespace {

constexpr int kFiles = 5;

class FileSink {
 public:
  void open_at(const std::string& path, std::size_t rotate_bytes) AXLE_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    close_file();
    path_ = path;
    rotate_bytes_ = rotate_bytes;
  }

  void write(std::string_view line) AXLE_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (path_.empty()) return;
    if (descriptor_ < 0) reopen();
    if (descriptor_ < 0) return;
    const ssize_t written = ::write(descriptor_, line.data(), line.size());
    if (written > 0) size_ += static_cast<std::size_t>(written);
    if (size_ >= rotate_bytes_) rotate();
  }

 private:
  void close_file() AXLE_REQUIRES(mutex_) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

  void reopen() AXLE_REQUIRES(mutex_) {
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
    descriptor_ =
        ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    struct stat info {};
    size_ = descriptor_ >= 0 && ::fstat(descriptor_, &info) == 0
                ? static_cast<std::size_t>(info.st_size)
                : 0;
  }

  // axcl_logs.txt -> axcl_logs.1.txt -> ... -> axcl_logs.4.txt, the oldest is dropped.
  void rotate() AXLE_REQUIRES(mutex_) {
    close_file();
    const std::filesystem::path base(path_);
    const auto numbered = [&base](int number) {
      if (number == 0) return base;
      return base.parent_path() /
             fmt::format("{}.{}{}", base.stem().string(), number, base.extension().string());
    };
    std::error_code ignored;
    for (int number = kFiles - 1; number > 0; --number) {
      std::filesystem::rename(numbered(number - 1), numbered(number), ignored);
    }
  }

  Mutex mutex_;
  std::string path_ AXLE_GUARDED_BY(mutex_) = "/tmp/axcl/axcl_logs.txt";
  std::size_t rotate_bytes_ AXLE_GUARDED_BY(mutex_) = std::size_t{5} << 20;
  std::size_t size_ AXLE_GUARDED_BY(mutex_) = 0;
  int descriptor_ AXLE_GUARDED_BY(mutex_) = -1;
};

// Never destroyed: threads may log while the process ends.
FileSink& file_sink() {
  static auto* const sink = new FileSink;
  return *sink;
}

std::atomic<LogLevel> file_level{LogLevel::kInfo};

LogLevel console_level() { return std::max(LogLevel::kWarn, file_level.load()); }

void write_console(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, line.data(), line.size());
    if (written <= 0) return;
    line.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void set_log_file(const std::string& path, std::size_t rotate_bytes) {
  file_sink().open_at(path, rotate_bytes);
}

void set_log_level(LogLevel level) { file_level.store(level); }

bool log_wanted(LogLevel level) {
  return level != LogLevel::kOff && level >= file_level.load(std::memory_order_relaxed);
}

std::string format_log_line(LogLevel level, const LogSite& site, std::string_view text) {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  constexpr std::string_view kLetters = "TDIWECO";
  return fmt::format("[{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}][{}][{}][{}][{}][{}]: {}",
                     local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour,
                     local.tm_min, local.tm_sec, milliseconds, syscall(SYS_gettid),
                     kLetters[static_cast<std::size_t>(level)], site.module, site.function,
                     site.line, text);
}

void write_log(LogLevel level, const LogSite& site, std::string_view text) {
  const std::string line = format_log_line(level, site, text) + "\n";
  file_sink().write(line);
  if (level >= console_level()) write_console(line);
}

}  // namespace axle::softcard
