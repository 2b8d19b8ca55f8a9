#include "package/converter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

namespace axle::package {
namespace {

constexpr std::uint64_t kSliceElements = std::uint64_t{1} << 18;  // Of one thread at a time.
constexpr std::uint64_t kTableElements = std::uint64_t{1} << 23;  // 16 MiB of bf16.
constexpr std::size_t kHashBytes = std::size_t{4} << 20;
constexpr std::uint32_t kBf16 = 30;

std::uint64_t row_bytes(const GgufTensor& tensor, const GgmlFormat& format) {
  return tensor.row_elements() / format.block_elements * format.block_bytes;
}

// The work of one thread: consecutive rows, slice by slice.
struct SliceJob {
  const GgufFile& file;
  const GgufTensor& tensor;
  const GgmlFormat& format;
  std::stop_token cancel;
};

Status run_slices(const SliceJob& job, RowRange range, std::span<std::byte> target,
                  TranscodeError& error) {
  const std::uint64_t bytes_in = row_bytes(job.tensor, *job.tensor.format);
  const std::uint64_t bytes_out = row_bytes(job.tensor, job.format);
  const std::uint64_t step = std::max<std::uint64_t>(1, kSliceElements / job.tensor.row_elements());
  std::vector<std::byte> source;
  for (std::uint64_t done = 0; done < range.count; done += step) {
    if (job.cancel.stop_requested()) return cancelled("the import was cancelled");
    const std::uint64_t count = std::min(step, range.count - done);
    source.resize(static_cast<std::size_t>(count * bytes_in));
    AXLE_TRY(job.file.read(job.tensor.offset + (range.first + done) * bytes_in, source));
    const std::span<std::byte> to = target.subspan(static_cast<std::size_t>(done * bytes_out),
                                                   static_cast<std::size_t>(count * bytes_out));
    const Status status =
        transcode({job.tensor.format, source}, static_cast<std::size_t>(job.tensor.row_elements()),
                  job.format, to, error);
    if (!status.ok()) return status.with_context(fmt::format("tensor '{}'", job.tensor.name));
  }
  return {};
}

// Closes and, unless kept, forgets a file.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path) : path_(path) {
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  }
  ~OutputFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Status check_open() const { return fd_ >= 0 ? Status() : failed("create"); }

  Status write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failed("write");
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
  }

  Status sync() { return ::fsync(fd_) == 0 ? Status() : failed("sync"); }

 private:
  Status failed(std::string_view what) const {
    const std::string text =
        fmt::format("cannot {} {}: {}", what, path_.string(), std::strerror(errno));
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? exhausted(text)
                                                                : unavailable(text);
  }

  std::filesystem::path path_;
  int fd_ = -1;
};

WeightChange describe(const GgufTensor& tensor, const GgmlFormat& format,
                      const TranscodeError& error) {
  WeightChange change;
  change.tensor = std::string(tensor.name);
  change.before = std::string(tensor.format->name);
  change.after = std::string(format.name);
  change.bytes_before = tensor.size_bytes;
  change.bytes_after = tensor.rows() * row_bytes(tensor, format);
  change.rms_error = error.relative_rms();
  change.max_error = error.relative_max();
  return change;
}

}  // namespace

void ImportMeter::begin(std::string step) {
  progress_.step = std::move(step);
  if (options_.progress) options_.progress(progress_);
}

Status ImportMeter::advance(std::uint64_t bytes) {
  progress_.bytes_done = std::min(progress_.bytes_done + bytes, progress_.bytes_total);
  if (options_.progress) options_.progress(progress_);
  if (options_.cancel.stop_requested()) return cancelled("the import was cancelled");
  return {};
}

Status Converter::rows(const GgufTensor& tensor, RowRange range, const GgmlFormat& format,
                       std::span<std::byte> target, TranscodeError& error) {
  const SliceJob job{file_, tensor, format, meter_.cancel()};
  const std::uint64_t small = kSliceElements / tensor.row_elements() + 1;
  const std::uint64_t threads =
      std::clamp<std::uint64_t>(range.count / small, 1, std::uint64_t{threads_});
  const std::uint64_t share = (range.count + threads - 1) / threads;
  std::vector<Status> results(static_cast<std::size_t>(threads));
  std::vector<TranscodeError> errors(static_cast<std::size_t>(threads));
  const auto run = [&](std::size_t i) {
    const std::uint64_t begin = std::min(range.count, i * share);
    const std::uint64_t end = std::min(range.count, begin + share);
    const std::uint64_t bytes = row_bytes(tensor, format);
    results[i] = run_slices(job, {range.first + begin, end - begin},
                            target.subspan(static_cast<std::size_t>(begin * bytes),
                                           static_cast<std::size_t>((end - begin) * bytes)),
                            errors[i]);
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 1; i < threads; ++i) workers.emplace_back(run, i);
    run(0);
  }
  for (const Status& status : results) AXLE_TRY(status);
  for (const TranscodeError& each : errors) error.add(each);
  return meter_.advance(range.count * row_bytes(tensor, *tensor.format));
}

Status Converter::weight(const PlannedWeight& weight, std::vector<std::byte>& target,
                         WeightChange& change) {
  target.resize(static_cast<std::size_t>(weight.target_bytes()));
  TranscodeError error;
  AXLE_TRY(rows(*weight.tensor, {0, weight.tensor->rows()}, *weight.format, target, error));
  change = describe(*weight.tensor, *weight.format, error);
  return {};
}

Status Converter::table(const GgufTensor& tensor, const std::filesystem::path& path,
                        WeightChange& change) {
  OutputFile file(path);
  AXLE_TRY(file.check_open());
  const GgmlFormat& format = *find_ggml_format(kBf16);
  const std::uint64_t step = std::max<std::uint64_t>(1, kTableElements / tensor.row_elements());
  TranscodeError error;
  std::vector<std::byte> buffer;
  for (std::uint64_t first = 0; first < tensor.rows(); first += step) {
    const RowRange range{first, std::min(step, tensor.rows() - first)};
    buffer.resize(static_cast<std::size_t>(range.count * row_bytes(tensor, format)));
    AXLE_TRY(rows(tensor, range, format, buffer, error));
    AXLE_TRY(file.write(buffer));
  }
  change = describe(tensor, format, error);
  return file.sync();
}

Result<std::string> hash_file(const GgufFile& file, ImportMeter& meter) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (context == nullptr || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return internal("the cryptography library has no SHA-256");
  }
  std::vector<std::byte> buffer(kHashBytes);
  for (std::uint64_t at = 0; at < file.size_bytes(); at += kHashBytes) {
    const std::uint64_t count = std::min<std::uint64_t>(kHashBytes, file.size_bytes() - at);
    const std::span<std::byte> piece(buffer.data(), static_cast<std::size_t>(count));
    AXLE_TRY(file.read(at, piece));
    EVP_DigestUpdate(context.get(), piece.data(), piece.size());
    AXLE_TRY(meter.advance(count));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace axle::package
