// The command line. One file a verb in verbs/; what they share is in host/; the workload generator is in
// zoo/.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <new>

#include "apps/verbs/verbs.h"
#include "base/errors.h"
#include "leto_version.h"

namespace leto {
namespace {

/// Names come from input files: a line break or an escape sequence in one must not break the form.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

/// Two lines on stderr, always in this form: scripts read them. Only a deadlock has more: its wait-for graph
/// stands between them, one indented line for each that waits.
int fail(ExitCode code, const std::string& cause, const std::string& remedy) {
  fmt::print(stderr, "leto: error: {}\nleto: remedy: {}\n",
             code == ExitCode::deadlock ? cause : one_line(cause), one_line(remedy));
  return static_cast<int>(code);
}

/// Whatever stdout still holds goes out now. A reader that has had enough (a closed pipe) is no error.
int flush(int code) {
  errno = 0;
  if (std::fflush(stdout) == 0 || errno == EPIPE) return code;
  return fail(ExitCode::resource, "standard output cannot be written", "free some space or write elsewhere");
}

int parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return static_cast<int>(ExitCode::ok);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return fail(ExitCode::usage, error.what(), "leto --help lists the verbs, leto VERB --help their options");
  }
}

int run(int argc, char** argv) {
  CLI::App app(
      "Leto: a training accelerator before tape-out. Each verb is one arrow of the path "
      "model.onnx -> step.prog -> out/ -> report.html.",
      "leto");
  app.set_version_flag("--version", "leto " LETO_VERSION " (" LETO_COMMIT ")");
  app.require_subcommand(1);
  app.footer(
      "example:\n  leto zoo gemm --m 512 --n 512 --k 512 -o gemm.onnx && leto run gemm.onnx --chip pilot "
      "--out out/gemm");
  verbs::add_all(app);
  return parse(app, argc, argv);
}

int guarded(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    return fail(error.code(), error.what(), error.remedy());
  } catch (const std::bad_alloc&) {
    return fail(ExitCode::resource, "the host ran out of memory",
                "take a smaller model or batch, or a larger machine");
  } catch (const std::filesystem::filesystem_error& error) {
    // a name that no file can have, a folder closed to us
    return fail(ExitCode::bad_input, error.what(), "check the path and its permissions");
  } catch (const std::exception& error) {
    return fail(ExitCode::internal, fmt::format("internal: {}", error.what()),
                "this is a defect of leto: please report it");
  }
}

}  // namespace
}  // namespace leto

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe must not cut a run short of its files
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is met as a full disk is: with an error
  return leto::flush(leto::guarded(argc, argv));
}
