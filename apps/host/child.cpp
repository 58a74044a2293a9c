#include "apps/host/child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <string>
#include <utility>

#include "base/errors.h"

namespace leto::host {
namespace {

using nlohmann::json;

json outcome_of(const Work& work) {
  try {
    return {{"result", work()}};
  } catch (const Error& error) {
    return {{"code", error.code()}, {"cause", error.what()}, {"remedy", error.remedy()}};
  } catch (const std::exception& error) {
    return {{"code", ExitCode::internal}, {"cause", error.what()}, {"remedy", "this is a defect of leto"}};
  }
}

void send(int to, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(to, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
}

std::string receive(int from) {
  std::string text;
  char part[4096];
  for (;;) {
    const ssize_t n = read(from, part, sizeof part);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(part, static_cast<std::size_t>(n));
  }
}

/// A child process at work.
class Child {
 public:
  explicit Child(const Work& work) {
    int ends[2];
    if (pipe(ends) != 0) throw Error(ExitCode::resource, "no pipe to a child process", "close some files");
    std::fflush(nullptr);  // else what is buffered would be written twice
    id_ = fork();
    if (id_ < 0) throw Error(ExitCode::resource, "no child process can be started", "end some processes");
    if (id_ == 0) {
      close(ends[0]);
      send(ends[1], outcome_of(work).dump());
      _exit(0);
    }
    close(ends[1]);
    answers_ = ends[0];
  }
  Child(Child&& other) noexcept
      : id_(std::exchange(other.id_, 0)), answers_(std::exchange(other.answers_, -1)) {}
  ~Child() { text(); }

  json result() {
    const json outcome = json::parse(text(), nullptr, false);
    if (outcome.contains("result")) return outcome["result"];
    if (!outcome.contains("code"))
      throw Error(ExitCode::internal, "a child process ended without an answer", "run its simulation alone");
    throw Error(outcome["code"].get<ExitCode>(), outcome["cause"], outcome["remedy"]);
  }

 private:
  // What it answered, once; then it is gone.
  std::string text() {
    if (answers_ < 0) return {};
    std::string text = receive(answers_);
    close(std::exchange(answers_, -1));
    waitpid(id_, nullptr, 0);
    return text;
  }

  pid_t id_ = 0;
  int answers_ = -1;
};

}  // namespace

json in_child(const Work& work) {
  return Child(work).result();
}

// The oldest child is waited for first, so that answers come in order whoever is done when.
std::vector<json> in_children(const std::vector<Work>& works, int jobs,
                              const std::function<void(std::size_t, const json&)>& done) {
  std::deque<Child> children;
  std::vector<json> results;
  const auto oldest = [&] {
    results.push_back(children.front().result());
    children.pop_front();
    if (done) done(results.size() - 1, results.back());
  };
  for (const Work& work : works) {
    if (children.size() == static_cast<std::size_t>(std::max(jobs, 1))) oldest();
    children.emplace_back(work);
  }
  while (!children.empty()) oldest();
  return results;
}

}  // namespace leto::host
