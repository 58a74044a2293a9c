// Waves against the run's own figures, read back with the FST library's reader.
#include "model/waves/waves.h"

#include <doctest/doctest.h>

#ifdef LETO_FST
#include <fstapi.h>
#endif

#include "base/files.h"
#include "tests/base/scratch_folder.h"
#include "tests/model/programs.h"

namespace leto::model::test {
namespace {

#ifdef LETO_FST
struct Wave {
  std::vector<std::pair<std::uint64_t, std::string>> changes;  // at, value
  std::uint64_t end = 0;

  std::map<std::string, std::uint64_t> time_in() const {
    std::map<std::string, std::uint64_t> total;
    for (std::size_t i = 0; i < changes.size(); ++i)
      total[changes[i].second] += (i + 1 < changes.size() ? changes[i + 1].first : end) - changes[i].first;
    return total;
  }
  std::uint64_t most() const {
    std::uint64_t most = 0;
    for (const auto& [at, bits] : changes)
      most = std::max<std::uint64_t>(most, std::stoull(bits, nullptr, 2));
    return most;
  }
};

/// Every signal of a file by its full name.
std::map<std::string, Wave> read_waves(const std::filesystem::path& path) {
  struct Reading {
    std::map<fstHandle, Wave> waves;
    void change(std::uint64_t at, fstHandle signal, std::string value) {
      auto& changes = waves[signal].changes;
      const bool unset = value.find('x') != std::string::npos || value.empty();
      if (!unset) changes.emplace_back(at, std::move(value));
    }
  } reading;
  void* file = fstReaderOpen(path.c_str());
  REQUIRE(file);
  std::map<std::string, fstHandle> handles;
  std::vector<std::string> scopes;
  while (const fstHier* entry = fstReaderIterateHier(file)) {
    if (entry->htyp == FST_HT_SCOPE) scopes.emplace_back(entry->u.scope.name);
    if (entry->htyp == FST_HT_UPSCOPE) scopes.pop_back();
    if (entry->htyp == FST_HT_VAR)
      handles[fmt::format("{}.{}", fmt::join(scopes, "."), entry->u.var.name)] = entry->u.var.handle;
  }
  fstReaderSetFacProcessMaskAll(file);
  fstReaderIterBlocks2(
      file,
      [](void* to, std::uint64_t at, fstHandle signal, const unsigned char* value) {
        static_cast<Reading*>(to)->change(at, signal, reinterpret_cast<const char*>(value));
      },
      [](void* to, std::uint64_t at, fstHandle signal, const unsigned char* value, std::uint32_t length) {
        static_cast<Reading*>(to)->change(at, signal, {reinterpret_cast<const char*>(value), length});
      },
      &reading, nullptr);
  std::map<std::string, Wave> waves;
  for (const auto& [name, handle] : handles) {
    waves[name] = reading.waves[handle];
    waves[name].end = fstReaderGetEndTime(file);
  }
  fstReaderClose(file);
  return waves;
}

struct Recorded {
  Outcome outcome;
  std::map<std::string, Wave> waves;
  std::string bytes;
};

Recorded record(const std::string& text, const std::vector<std::string>& signals,
                const std::vector<std::string>& overrides = {}) {
  const ScratchFolder folder;
  Setup setup;
  setup.chip = load_chip("tiny", overrides);
  setup.fill = fill_everything;
  setup.options.waves = folder / "waves.fst";
  setup.options.signals = signals;
  Recorded recorded{run(program(text), setup), {}, {}};
  REQUIRE(recorded.outcome.error == "");
  recorded.waves = read_waves(setup.options.waves);
  recorded.bytes = read_text(setup.options.waves);
  CHECK(folder.entries() == 1);  // nothing of the writer's is left behind
  return recorded;
}
#endif

}  // namespace

TEST_CASE("waves: patterns") {
  CHECK(fits("pe[0].*.state", "pe[0].matrix_engine.state"));
  CHECK(fits("*", "anything"));
  CHECK(fits("pe[?].b4.*", "pe[3].b4.tiles"));
  CHECK(fits("a*b*c", "a.b.b.c"));
  CHECK_FALSE(fits("pe[0].*.state", "pe[10].matrix_engine.state"));
  CHECK_FALSE(fits("pe[0]", "pe[0].b4.tiles"));
  CHECK_FALSE(fits("", "x"));
  const std::string stars(64, '*');
  CHECK_FALSE(fits(stars + "b", std::string(200, 'a')));
}

TEST_CASE("waves: a pattern that fits nothing is an error that says what there is") {
  const ScratchFolder folder;
  Setup setup;
  setup.options.waves = folder / "waves.fst";
  setup.options.signals = {"pe[0].*.state", "pe[99].*"};
  const Outcome o = run(program(copy_text(0, 1 << 20, 2, 4096, 2)), setup);
  CHECK(o.code == 2);
  CHECK(o.error.find("no signal fits 'pe[99].*'") != std::string::npos);
  CHECK(folder.entries() == 0);
}

#ifdef LETO_FST

TEST_CASE("waves: the time an engine's signal spends in each state is what the accounts say") {
  const Recorded recorded = record(everything_text(), {"*.state"});
  CHECK(recorded.waves.size() == 4 * (kEngines - 1 + isa::kCores));
  std::map<std::string, std::uint64_t> accounts;
  for (const auto& [name, wave] : recorded.waves) {
    CHECK(wave.end == recorded.outcome["cycles"]);
    const std::string engine = name.substr(name.find('.') + 1);
    for (const auto& [state, cycles] : wave.time_in())
      accounts[engine.substr(0, engine.find_first_of("[.")) + "." + state] += cycles;
  }
  CHECK(accounts.size() > 15);
  for (const auto& [key, cycles] : accounts) CHECK_MESSAGE(cycles == recorded.outcome[key], key);
}

TEST_CASE("waves: buffers and queues rise and fall within their depths") {
  const Recorded recorded = record(copy_text(0, 1 << 20, 12, 4096, 3), {"pe[1].*", "hbm.channel[?].queue"},
                                   {"sram.scratch_fraction=1"});
  CHECK(recorded.waves.size() == 8 + 6 + 1 + 4);
  const Wave& tiles = recorded.waves.at("pe[1].b0.tiles");
  CHECK(tiles.most() == 3);
  CHECK(tiles.changes.back().second == std::string(16, '0'));
  const Wave& queue = recorded.waves.at("pe[1].fabric_interface_load.queue");
  CHECK(queue.most() > 1);
  CHECK(queue.most() <= 16);
  CHECK(queue.changes.back().second == std::string(16, '0'));
  std::uint64_t busiest = 0;
  for (int channel = 0; channel < 4; ++channel)
    busiest = std::max(busiest, recorded.waves.at(fmt::format("hbm.channel[{}].queue", channel)).most());
  CHECK(busiest > 1);
}

TEST_CASE("waves: the same run leaves the same bytes") {
  CHECK(record(everything_text(), {"*"}).bytes == record(everything_text(), {"*"}).bytes);
}

TEST_CASE("waves: beyond the most changes recording stops") {
  const ScratchFolder folder;
  const isa::Program p = program(".core 0\nend\n");
  const std::vector<std::string> all = {"*"};
  Waves waves(folder / "waves.fst", all, p, load_chip("tiny"), 1000);
  for (Cycle at = 0; at < 10'000; ++at)
    waves.on_interval(Engine::matrix_engine, 1, at % 2 == 0 ? State::busy : State::data, 2, at, at + 1);
  waves.publish();
  REQUIRE(waves.cut());
  CHECK(*waves.cut() < 1000);
  CHECK(read_waves(folder / "waves.fst").at("pe[1].matrix_engine.state").end == *waves.cut());
}

#else

TEST_CASE("waves: a build without the FST library refuses them") {
  const ScratchFolder folder;
  Setup setup;
  setup.options.waves = folder / "waves.fst";
  setup.options.signals = {"*"};
  const Outcome o = run(program(copy_text(0, 1 << 20, 2, 4096, 2)), setup);
  CHECK(o.code == 4);
  CHECK(o.error.find("no FST library") != std::string::npos);
}

#endif

}  // namespace leto::model::test
