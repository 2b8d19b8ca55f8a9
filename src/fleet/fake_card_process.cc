// A card process for tests of the fleet: speaks frames, counts instead of thinking, and goes wrong
// as its script says. Arguments: --state FOLDER --scripts A;B;C --fd N. The first start follows
// script A, the second B, and so on; the last one is for all later starts. A script is a list of
// words with '+' between them:
//
//   ok          nothing goes wrong               exit       ends at once with code 3
//   silent      never says hello                 lost       reports that the card refuses its ports
//   absent      reports that there is no library garbage    sends nonsense after hello
//   die:N       is killed before its Nth token   hang:N     stops for good before its Nth token
//   stuck:N     from the Nth token on a card call never returns; heartbeats go on
//   poison      is killed by a prompt that begins with 666
//   badload:M   cannot load the model M          double     sends every token twice, and all at
//   last gap         leaves a token out               hold       gives tokens only once FOLDER/go
//   exists order       sends an order instead of a report
//
// Pictures have four steps, which count as tokens. Readings have the temperature of FOLDER/celsius,
// where there is one.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "fleet/fake_tokens.h"
#include "jobs/frame.h"

namespace axle::fleet {
namespace {

namespace fs = std::filesystem;

class FakeCardProcess {
 public:
  FakeCardProcess(fs::path state, const std::string& scripts, int fd)
      : state_(std::move(state)), fd_(fd) {
    read_script(scripts);
  }

  int run() {
    if (has("exit")) return 3;
    while (has("silent")) ::pause();
    if (has("lost"))
      return lose(Status(Code::kUnavailable, "the card grants no ports",
                         static_cast<std::int32_t>(0x80300186)));
    if (has("absent")) return lose(not_found("no libaxcl_rt.so"));
    send(0, jobs::Hello{jobs::kProtocolVersion, open_descriptors(), true, 1, "AX650N", "V0"});
    if (has("garbage")) write_all(std::string(100, 'x'));
    if (has("order")) send(0, jobs::Shutdown{});
    while (receive()) {
      beat();
      for (auto next = jobs_.begin(); next != jobs_.end();) {
        const auto job = next++;
        step(job->first, job->second);
      }
      for (auto next = pictures_.begin(); next != pictures_.end();) {
        const auto picture = next++;
        paint(picture->first, picture->second);
      }
    }
    return 0;
  }

 private:
  struct Job {
    jobs::GenerateJob job;
    std::size_t produced = 0;
  };

  // Which start this is, from a file that counts them.
  void read_script(const std::string& scripts) {
    const fs::path counter = state_ / "starts";
    std::size_t start = 0;
    std::ifstream(counter) >> start;
    std::ofstream(counter) << start + 1;
    std::istringstream all(scripts);
    std::string script;
    for (std::size_t i = 0; i <= start; ++i)
      if (std::string next; std::getline(all, next, ';')) script = next;
    std::istringstream words(script);
    for (std::string word; std::getline(words, word, '+');) {
      const std::size_t colon = word.find(':');
      script_[word.substr(0, colon)] = colon == std::string::npos ? "" : word.substr(colon + 1);
    }
  }

  bool has(const std::string& word) const { return script_.contains(word); }
  bool due(const std::string& word) const {
    return has(word) && tokens_ + 1 >= std::stoul(script_.at(word));
  }

  static std::string open_descriptors() {
    std::string list;
    for (int fd = 0; fd < 256; ++fd)
      if (::fcntl(fd, F_GETFD) >= 0) list += std::to_string(fd) + " ";
    return list;
  }

  int lose(const Status& why) {
    send(0, jobs::CardLost{why});
    return 72;
  }

  void write_all(const std::string& bytes) {
    if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) std::_Exit(1);
  }

  void send(std::uint64_t id, jobs::Payload payload) {
    write_all(*jobs::encode({jobs::JobId{id}, std::move(payload)}));
  }

  bool receive() {
    const bool busy =
        !(jobs_.empty() && pictures_.empty()) && !(has("hold") && !fs::exists(state_ / "go"));
    pollfd entry{fd_, POLLIN, 0};
    if (::poll(&entry, 1, busy ? 0 : 5) <= 0) return true;
    std::string buffer(65536, '\0');
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (size <= 0) return false;
    std::vector<jobs::Message> messages;
    if (!reader_.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(size)), messages)
             .ok())
      return false;
    for (const jobs::Message& message : messages)
      if (!handle(message)) return false;
    return true;
  }

  bool handle(const jobs::Message& message) {
    const auto id = static_cast<std::uint64_t>(message.id);
    if (const auto* load = std::get_if<jobs::LoadJob>(&message.payload)) {
      on_load(*load);
    } else if (const auto* job = std::get_if<jobs::GenerateJob>(&message.payload)) {
      on_generate(id, *job);
    } else if (const auto* picture = std::get_if<jobs::PictureJob>(&message.payload)) {
      on_picture(id, *picture);
    } else if (std::holds_alternative<jobs::Interrupt>(message.payload)) {
      if (pictures_.contains(id)) pictures_.at(id).timesteps.resize(1);
      std::ofstream(state_ / "interrupted", std::ios::app) << id << "\n";
    } else if (std::holds_alternative<jobs::Cancel>(message.payload)) {
      std::ofstream(state_ / "cancelled", std::ios::app) << id << "\n";
      jobs_.erase(id);
      pictures_.erase(id);
    } else if (const auto* pause = std::get_if<jobs::Pause>(&message.payload)) {
      paused_ = pause->paused;
    }
    return !std::holds_alternative<jobs::Shutdown>(message.payload);
  }

  void on_load(const jobs::LoadJob& load) {
    send(0, jobs::LoadProgress{load.model, 1, 2});
    if (has("badload") && script_.at("badload") == load.model)
      return send(0, jobs::LoadFailed{load.model, corrupt("layer 3 is cut short")});
    jobs::ModelLoaded loaded;
    loaded.model = load.model;
    loaded.context_tokens = 100;
    send(0, loaded);
  }

  void on_generate(std::uint64_t id, const jobs::GenerateJob& job) {
    if (has("poison") && job.prompt[0] == 666) ::raise(SIGKILL);
    if (const std::string wrong = fake_mismatch(job); !wrong.empty())
      return send(id, jobs::Failed{internal(wrong), false});
    send(id, jobs::Accepted{0});
    send(id, jobs::Progress{1, static_cast<std::int32_t>(job.prompt.size())});
    jobs_[id] = {job, job.generated.size()};
  }

  void step(std::uint64_t id, Job& job) {
    if (paused_ || (has("hold") && !fs::exists(state_ / "go"))) return;
    const std::size_t end = fake_length(job.job);
    if (job.produced >= end) {
      const bool full = end == static_cast<std::size_t>(job.job.max_new_tokens);
      send(id, jobs::Done{full ? jobs::Finish::kLength : jobs::Finish::kStop, {}, {}});
      jobs_.erase(id);
      return;
    }
    if (due("die")) ::raise(SIGKILL);
    while (due("hang")) ::pause();
    stuck_ = stuck_ || due("stuck");
    if (stuck_) return;
    ++tokens_;
    const auto index = static_cast<std::int32_t>(job.produced++);
    const std::int32_t shift = has("gap") && index > 0 ? 1 : 0;
    send(id, jobs::Tokens{{fake_token(job.job.prompt, index)}, index + shift});
    if (has("double")) send_again(id, job);
  }

  // The latents after step n of a picture are n numbers, each the seed.
  void on_picture(std::uint64_t id, const jobs::PictureJob& picture) {
    const std::vector<float> wanted(static_cast<std::size_t>(picture.steps_done),
                                    static_cast<float>(picture.seed));
    if (picture.latents != wanted)
      return send(id, jobs::Failed{internal("the latents are not those of the steps"), false});
    pictures_[id] = picture;
  }

  void paint(std::uint64_t id, jobs::PictureJob& picture) {
    if (paused_ || (has("hold") && !fs::exists(state_ / "go"))) return;
    if (picture.steps_done >= std::ssize(picture.timesteps)) return finish_picture(id);
    if (due("die")) ::raise(SIGKILL);
    ++tokens_;
    ++picture.steps_done;
    picture.latents.push_back(static_cast<float>(picture.seed));
    send(id, jobs::PictureStep{picture.steps_done, 4, picture.latents, 0, 0, {}});
  }

  void finish_picture(std::uint64_t id) {
    const jobs::PictureJob& picture = pictures_.at(id);
    jobs::PictureDone done;
    done.width = picture.width;
    done.height = picture.height;
    done.steps = picture.steps_done;
    done.interrupted = picture.steps_done < 4;
    done.pixels.assign(static_cast<std::size_t>(3 * picture.width * picture.height),
                       static_cast<std::uint8_t>(picture.seed));
    send(id, done);
    pictures_.erase(id);
  }

  void send_again(std::uint64_t id, const Job& job) {
    jobs::Tokens all;
    for (std::size_t i = 0; i < job.produced; ++i)
      all.ids.push_back(fake_token(job.job.prompt, static_cast<std::int32_t>(i)));
    send(id, all);
  }

  void beat() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_beat_) return;
    next_beat_ = now + std::chrono::milliseconds(10);
    jobs::Heartbeat heartbeat;
    heartbeat.running = static_cast<std::int32_t>(jobs_.size());
    if (stuck_) {
      heartbeat.call = "axclrtEngineExecute";
      heartbeat.call_running_us = stuck_us_ += 1'000'000'000;
    }
    send(0, heartbeat);
    double celsius = 0.0;
    if (std::ifstream(state_ / "celsius") >> celsius) {
      jobs::Readings readings;
      readings.temperature_celsius = celsius;
      send(0, readings);
    }
  }

  fs::path state_;
  int fd_;
  std::map<std::string, std::string> script_;
  jobs::FrameReader reader_;
  std::map<std::uint64_t, Job> jobs_;
  std::map<std::uint64_t, jobs::PictureJob> pictures_;
  std::size_t tokens_ = 0;
  bool paused_ = false;
  bool stuck_ = false;
  std::int64_t stuck_us_ = 0;
  std::chrono::steady_clock::time_point next_beat_{};
};

}  // namespace
}  // namespace axle::fleet

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::map<std::string, std::string> options;
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  return axle::fleet::FakeCardProcess(options["--state"], options["--scripts"],
                                      std::stoi(options["--fd"]))
      .run();
}
