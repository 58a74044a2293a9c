#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <regex>
#include <set>
#include <thread>

#include "apps/host/foreign.h"
#include "apps/host/output.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/staging.h"

namespace leto::host {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTop = "Vforeign";

struct Finished {
  int code;
  std::string output;
};

/// Runs a program of PATH with its output in a file of `folder`; code 127: there is no such program.
Finished run(const std::vector<std::string>& words, const fs::path& folder, const std::string& module) {
  const fs::path log = folder / (fs::path(words.front()).filename().string() + ".log");
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) throw Error(ExitCode::resource, "no child process can be started", "end some processes");
  if (child == 0) {
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    dup2(file, 1);
    dup2(file, 2);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  Progress progress(fmt::format("building {}:", module), 0);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    progress.update(0, words.front());
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128, read_text(log)};
}

/// The first lines of a tool that say what is wrong: errors, or warnings where there are none.
std::string complaint(const std::string& output) {
  static const std::regex kErrors("[^\n]*(%Error|error:)[^\n]*"), kWarnings("[^\n]*%Warning[^\n]*");
  std::string all;
  for (const std::regex* lines : {&kErrors, &kWarnings}) {
    int left = 3;
    for (std::sregex_iterator it(output.begin(), output.end(), *lines), end; it != end && left > 0;
         ++it, --left)
      all += (all.empty() ? "" : "; ") + it->str();
    if (!all.empty()) return all;
  }
  return output.substr(0, 200);
}

/// Verilator's own folder, from the makefile that it left.
fs::path verilator_root(const fs::path& folder) {
  std::smatch found;
  const std::string make = read_text(folder / fmt::format("{}.mk", kTop));
  static const std::regex kRoot("(^|\n)VERILATOR_ROOT = ([^\n]*)");
  if (!std::regex_search(make, found, kRoot))
    throw Error(ExitCode::unsupported, "this Verilator leaves no VERILATOR_ROOT",
                "install Verilator 5.006 or newer");
  return found[2].str();
}

struct PortRow {
  std::string name;
  int bits;
  bool input;
};

/// The ports as Verilator declares them: VL_IN8(&name,7,0); VL_OUTW(&name,1023,0,32);
std::vector<PortRow> ports_of(const std::string& header) {
  static const std::regex kPort(R"(VL_(IN|OUT|INOUT)(8|16|64|W)?\(&?(\w+),(\d+),(\d+)(,\d+)?\))");
  static const std::regex kArray(R"(VL_(IN|OUT)(8|16|64|W)?\(\(&(\w+)\)\[)");
  if (std::smatch array; std::regex_search(header, array, kArray))
    throw Error(ExitCode::unsupported, fmt::format("port {} is an unpacked array", array[3].str()),
                "wrap the module in one with a vector in its place");
  std::vector<PortRow> rows;
  for (std::sregex_iterator it(header.begin(), header.end(), kPort), end; it != end; ++it) {
    std::string name = (*it)[3];
    for (std::size_t at; (at = name.find("___05F")) != std::string::npos;) name.replace(at, 6, "__");
    if (name.starts_with("__SYM__")) name.erase(0, 7);  // a word of C++
    if ((*it)[1] == "INOUT")
      throw Error(ExitCode::unsupported, fmt::format("port {} is an inout", name),
                  "wrap the module in one with an input and an output");
    rows.push_back({name, std::stoi((*it)[4]) - std::stoi((*it)[5]) + 1, (*it)[1] == "IN"});
  }
  return rows;
}

/// A line each: name, bits, in or out.
std::string described(const std::vector<PortRow>& rows, const char* format) {
  std::string lines;
  for (const PortRow& row : rows)
    lines += fmt::format(fmt::runtime(format), row.name, row.bits, row.input ? "in" : "out");
  return lines;
}

/// The C functions that rtl/foreign.cpp calls. (Its own #include lines are put in, or they would count as
/// this file's.)
std::string shim(const std::string& header) {
  const std::vector<PortRow> rows = ports_of(header);
  static const std::regex kName(R"(VL_(IN|OUT)(8|16|64|W)?\(&?(\w+),)");
  std::vector<std::string> members;
  for (std::sregex_iterator it(header.begin(), header.end(), kName), end; it != end; ++it)
    members.push_back((*it)[3]);
  std::string cases;
  for (std::size_t i = 0; i < members.size(); ++i)
    cases += fmt::format("    case {}: return (unsigned char*)&block.top.{};\n", i, members[i]);
  return fmt::format(R"({3} "{0}.h"
{3} "verilated.h"
{3} <stdexcept>
{3} <string>
void vl_finish(const char* file, int line, const char*) {{
  throw std::runtime_error(std::string("$finish in ") + file + ":" + std::to_string(line));
}}
void vl_stop(const char* file, int line, const char*) {{
  throw std::runtime_error(std::string("$stop in ") + file + ":" + std::to_string(line));
}}
void vl_fatal(const char* file, int line, const char*, const char* what) {{
  throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": " + what);
}}
struct Block {{
  VerilatedContext context;
  {0} top{{&context}};
  std::string failed;
}};
#define LETO extern "C" __attribute__((visibility("default")))
LETO void* leto_create() {{ return new Block; }}
LETO void leto_destroy(void* block) {{ delete (Block*)block; }}
LETO const char* leto_eval(void* of) {{
  Block& block = *(Block*)of;
  try {{
    block.top.eval();
    return nullptr;
  }} catch (const std::exception& error) {{
    block.failed = error.what();
    return block.failed.c_str();
  }}
}}
LETO unsigned char* leto_port(void* of, int port) {{
  Block& block = *(Block*)of;
  switch (port) {{
{1}  }}
  return nullptr;
}}
LETO const char* leto_ports() {{ return
{2};
}}
)",
                     kTop, cases, described(rows, "\"{} {} {}\\n\"\n"), "#include");
}

void verilate(const ForeignDescriptor& block, const fs::path& folder) {
  // As rtl/CMakeLists.txt: the first two because Verilator 5.006 computes wrong values on some RTL without
  // them.
  std::vector<std::string> words = {
      "verilator", "--cc",          "-fno-dfg",     "-fno-gate",  "-Wno-fatal",     "--prefix", kTop,
      "--Mdir",    folder.string(), "--top-module", block.module, "--unroll-count", "1"};
  for (const char* warning : {"UNOPTFLAT", "LATCH", "MULTIDRIVEN", "BLKANDNBLK"})
    if (std::find(block.allow.begin(), block.allow.end(), warning) == block.allow.end())
      words.push_back(std::string("-Werror-") + warning);
  for (const std::string& warning : block.allow) words.push_back("-Wwarn-" + warning);
  for (const std::string& parameter : block.parameters) words.push_back("-G" + parameter);
  std::set<fs::path> folders;  // of `include
  for (const fs::path& file : block.files) {
    if (folders.insert(file.parent_path()).second) words.push_back("-I" + file.parent_path().string());
    words.push_back(file.string());
  }
  const Finished done = run(words, folder, block.module);
  if (done.code == 127)
    throw Error(ExitCode::unsupported, "no Verilator is installed, which builds the block",
                "install Verilator 5.006 or newer (Debian: verilator)");
  if (done.code == 0) return;
  for (const std::string& warning : block.allow)
    if (std::regex_search(done.output, std::regex("Unknown warning specified: -Wwarn-" + warning + "\\b")))
      throw Error(
          ExitCode::bad_input,
          fmt::format("{}: allow = \"{}\": Verilator has no such warning", block.allow_place, warning),
          "write the name that stands behind %Warning-, such as UNOPTFLAT");
  const bool loop = done.output.find("%Error-UNOPTFLAT") != std::string::npos;
  throw Error(
      ExitCode::bad_input, fmt::format("Verilator refuses {}: {}", block.module, complaint(done.output)),
      loop ? "take the combinational loop out; if signals only share a vector, add allow = [\"UNOPTFLAT\"]"
           : "correct it, or allow = [...] a warning; leto twin import --build DIR keeps DIR/verilator.log, "
             "all that it said");
}

}  // namespace

void verilate_foreign(const ForeignDescriptor& block, const std::vector<rtl::ForeignPort>& pins,
                      const fs::path& folder) {
  make_folder(folder);
  for (const auto& entry : fs::directory_iterator(folder))  // of what was built there before
    if (entry.path().filename().string().starts_with(kTop)) fs::remove(entry.path());
  verilate(block, folder);
  const std::string header = read_text(folder / fmt::format("{}.h", kTop));
  write_atomically(folder / "shim.cpp", shim(header));
  check_widths(block.stream, rtl::check_foreign(described(ports_of(header), "{} {} {}\n"), block.map, pins));
}

fs::path compile_foreign(const ForeignDescriptor& block, const fs::path& folder) {
  const fs::path include = verilator_root(folder) / "include", library = folder / "block.so";
  std::vector<std::string> words = {"c++",
                                    "-std=c++17",
                                    "-O1",
                                    "-w",
                                    "-shared",
                                    "-fPIC",
                                    "-fvisibility=hidden",
                                    "-Wl,-Bsymbolic",
                                    "-DVL_USER_FATAL",
                                    "-DVL_USER_STOP",
                                    "-DVL_USER_FINISH",
                                    "-I" + folder.string(),
                                    "-I" + include.string(),
                                    "-I" + (include / "vltstd").string(),
                                    "-o",
                                    library.string(),
                                    (folder / "shim.cpp").string()};
  // All in one: most of the time goes into reading the same headers.
  std::vector<std::string> parts;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".cpp" && entry.path().filename().string().starts_with(kTop))
      parts.push_back(fmt::format("{} \"{}\"\n", "#include", entry.path().filename().string()));
  std::sort(parts.begin(), parts.end());
  write_atomically(folder / "all.cpp", fmt::format("{}", fmt::join(parts, "")));
  words.push_back((folder / "all.cpp").string());
  for (const char* part : {"verilated.cpp", "verilated_threads.cpp"})
    words.push_back((include / part).string());
  const Finished done = run(words, folder, block.module);
  if (done.code == 127)
    throw Error(ExitCode::unsupported, "no C++ compiler c++ is installed, which builds the block",
                "install one (Debian: g++)");
  if (done.code != 0)
    throw Error(ExitCode::bad_input,
                fmt::format("{} does not compile: {}", block.module, complaint(done.output)),
                "leto twin import --build DIR keeps DIR/c++.log, all that it said");
  return library;
}

}  // namespace leto::host
