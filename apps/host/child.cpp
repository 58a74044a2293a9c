#include "apps/host/child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "base/errors.h"

namespace leto::host {
namespace {

using nlohmann::json;

json outcome_of(const std::function<json()>& work) {
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

}  // namespace

json in_child(const std::function<json()>& work) {
  int ends[2];
  if (pipe(ends) != 0) throw Error(ExitCode::resource, "no pipe to a child process", "close some files");
  std::fflush(nullptr);  // else what is buffered would be written twice
  const pid_t child = fork();
  if (child < 0) throw Error(ExitCode::resource, "no child process can be started", "end some processes");
  if (child == 0) {
    close(ends[0]);
    send(ends[1], outcome_of(work).dump());
    _exit(0);
  }
  close(ends[1]);
  const std::string text = receive(ends[0]);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  const json outcome = json::parse(text, nullptr, false);
  if (outcome.contains("result")) return outcome["result"];
  if (!outcome.contains("code"))
    throw Error(ExitCode::internal, "a child process ended without an answer", "run its simulation alone");
  throw Error(outcome["code"].get<ExitCode>(), outcome["cause"], outcome["remedy"]);
}

}  // namespace leto::host
