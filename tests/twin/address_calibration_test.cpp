// The time of the address generators in the RTL (timing_table.h): transfers alone at an idle port, and
// through a fabric. From the first piece to the last one's leaving (a load: to the last request's), as the
// port's pace has it; and the clocks that the RTL itself takes, of which the model knows nothing: it cuts in
// one cycle what the window has room for.
#include "isa/command.h"
#include "model/fabric/fabric.h"
#include "rtl/matrix_engine/matrix_engine_rtl.h"
#include "tests/twin/timing_table.h"

using namespace leto;
using namespace leto::model;
using namespace leto::model::timing;

namespace {

struct Issue {
  bool store;
  std::int64_t rate;
  isa::Transfer transfer;
};

/// Parts of a row that the port is asked for at once, and what each is cut into.
struct Part {
  std::int64_t bytes;
  std::vector<std::int64_t> pieces;
};

std::vector<Part> parts_of(const Issue& issue, const ChipConfig& chip) {
  std::vector<Part> parts;
  isa::Runs runs(issue.transfer);
  for (isa::Run run = runs.next(); run.bytes != 0; run = runs.next())
    while (run.bytes > 0) {
      const std::int64_t block =
          run.address >= isa::kSramBase ? chip.sram.interleave_bytes : chip.sram.line_bytes;
      Part& part = parts.emplace_back(
          Part{std::min<std::int64_t>(run.bytes, chip.fabric_interface.fragment_bytes), {}});
      run.bytes -= part.bytes;
      for (std::int64_t left = part.bytes; left > 0; left -= part.pieces.back()) {
        part.pieces.push_back(std::min(
            left, block - static_cast<std::int64_t>(run.address % static_cast<std::uint64_t>(block))));
        run.address += static_cast<std::uint64_t>(part.pieces.back());
      }
    }
  return parts;
}

/// Cycles of the port before the last piece (a load: the last part, which goes ahead by what the bucket
/// holds).
std::int64_t pace(const Issue& issue, const ChipConfig& chip) {
  const auto ceiling = [&](std::int64_t bytes) { return (bytes + issue.rate - 1) / issue.rate; };
  const std::vector<Part> parts = parts_of(issue, chip);
  std::int64_t cycles = 0, last = 0;
  for (const Part& part : parts) {
    if (!issue.store) cycles += last = ceiling(part.bytes);
    for (const std::int64_t piece : part.pieces)
      if (issue.store) cycles += last = ceiling(in_beats(piece));
  }
  const std::int64_t bucket = issue.store ? 0 : chip.fabric_interface.bucket_bytes / issue.rate;
  return std::max<std::int64_t>(0, cycles - last - bucket);
}

struct Times {
  std::int64_t leaves = -1,
               clocks = -1;  // of the last one: since the first piece, and since the command was taken
};

Times rtl_times(rtl::Block& block, const Issue& issue) {
  const auto set = [&](const char* name, std::uint64_t v) { block.set(pin(block, name), v); };
  const auto get = [&](const char* name) { return static_cast<std::int64_t>(block.value(pin(block, name))); };
  const isa::Transfer& t = issue.transfer;
  block.reset();
  set("tick", 1), set("cmd_valid", 1), set("cmd_store", issue.store), set("cmd_indexed", 0),
      set("cmd_late", 0);
  set("cmd_rate", static_cast<std::uint64_t>(issue.rate)), set("cmd_address", t.address);
  set("cmd_bytes", static_cast<std::uint64_t>(t.bytes)), set("cmd_rows", static_cast<std::uint64_t>(t.rows));
  set("cmd_row_stride", static_cast<std::uint64_t>(t.row_stride));
  set("cmd_planes", static_cast<std::uint64_t>(t.planes));
  set("cmd_plane_stride", static_cast<std::uint64_t>(t.plane_stride));
  set("r_valid", 0), set("p_ready", 1);
  Times times;
  for (std::int64_t clock = 0, first = -1; clock < kLongest; ++clock) {
    block.evaluate();
    if (get("p_valid")) {
      if (first < 0) first = clock;
      if (issue.store || get("p_first")) times.leaves = clock - first + get("p_delay");
      if (get("p_last")) {
        times.clocks = clock;
        return times;
      }
    }
    block.clock();
    set("cmd_valid", 0);
  }
  return times;
}

/// The same transfers one by one through a fabric that is idle again before each.
class IssueSweep : public Process, private TransferClient, private IssueWatch {
 public:
  IssueSweep(Kernel& kernel, const ChipConfig& chip, const std::vector<Issue>& issues)
      : Process(sc_core::sc_gen_unique_name("sweep"), kernel),
        issues_(issues),
        fabric_(sc_core::sc_gen_unique_name("fabric"), kernel, chip, {}) {
    for (int pe = 0; pe < chip.pes(); ++pe) fabric_.connect(pe, *this);
    fabric_.watch_issue(this);
    wake_at(100);
  }

  std::vector<std::vector<Cut>> cuts;  // by transfer

 private:
  void step(Cycle now) override {
    const Issue& issue = issues_[cuts.size()];
    Transfer transfer;
    transfer.store = issue.store;
    transfer.runs = isa::Runs(issue.transfer);
    transfer.rate = issue.rate;
    transfer.sequence = sequences_[issue.store]++;
    fabric_.submit(transfer);
    cuts.emplace_back();
    if (cuts.size() < issues_.size()) wake_at(now + kLongest);
  }
  void transfer_done(bool, std::uint64_t, Cycle, Cycle) override {}
  void cut(int, const Cut& cut) override { cuts.back().push_back(cut); }

  const std::vector<Issue>& issues_;
  std::array<std::uint64_t, 2> sequences_{};
  Fabric fabric_;
};

/// A load's last request, a store's last piece.
std::int64_t model_leaves(const std::vector<IssueWatch::Cut>& cuts) {
  Cycle last = 0;
  for (const IssueWatch::Cut& cut : cuts)
    if (cut.store || cut.first) last = cut.leaves;
  return static_cast<std::int64_t>(last - cuts.front().cut);
}

/// All within the window. Rows of loads are long and many enough that the port's pace rules, not the clocks
/// of the RTL.
std::vector<Issue> issues_of(const ChipConfig& chip) {
  std::vector<Issue> issues;
  const std::int64_t most = chip.fabric_interface.bytes_per_cycle;
  for (const bool store : {false, true})
    for (const std::int64_t rate : {most, most / 2, most / 8 + 1})
      for (const std::uint64_t base : {std::uint64_t{1} << 20, isa::kSramBase + (std::uint64_t{1} << 16)})
        for (const std::uint64_t offset : {0, 33, 500}) {
          const auto add = [&](std::int64_t bytes, std::int64_t rows, std::int64_t gap) {
            issues.push_back({store, rate, {base + offset, bytes, rows, bytes + gap, 1, 0}});
          };
          for (const std::int64_t bytes : {1, 512, 4096, 4097, 12000, 20000, 60000}) add(bytes, 1, 0);
          add(700, 60, 0);  // one run
          add(700, 60, 100);
          add(5000, 7, 3000);
          if (store) add(3, 20, 50);
        }
  return issues;
}

std::vector<Point> address_sweep(const ChipConfig& chip, const std::vector<Issue>& issues,
                                 const IssueSweep& sweep) {
  const auto block = rtl::make_block("address_generator", chip);
  std::vector<Point> points;
  REQUIRE(sweep.cuts.size() == issues.size());
  for (std::size_t i = 0; i < issues.size(); ++i) {
    const Issue& issue = issues[i];
    const std::int64_t bytes = issue.transfer.bytes * issue.transfer.rows;
    const auto [leaves, clocks] = rtl_times(*block, issue);
    points.push_back({issue.store ? "store leaves" : "load leaves", pace(issue, chip), leaves,
                      model_leaves(sweep.cuts[i]), bytes});
    points.push_back({issue.store ? "store cut" : "load cut", static_cast<std::int64_t>(sweep.cuts[i].size()),
                      clocks, std::nullopt, bytes});
  }
  return points;
}

}  // namespace

TEST_CASE("twin: the address generators' time in the RTL is the table's and the model's") {
  if (!rtl::has_rtl()) return;
  Kernel kernel;
  std::map<std::string, std::vector<Issue>> issues;
  std::map<std::string, std::unique_ptr<IssueSweep>> fabrics;
  for (const char* chip : {"tiny", "pilot"}) {
    issues[chip] = issues_of(load_chip(chip));
    fabrics[chip] = std::make_unique<IssueSweep>(kernel, load_chip(chip), issues[chip]);
  }
  sc_core::sc_start();
  CHECK(!kernel.failure);
  std::map<std::string, std::vector<Point>> sweeps;
  for (const char* chip : {"tiny", "pilot"})
    sweeps[chip] = address_sweep(load_chip(chip), issues[chip], *fabrics[chip]);
  check_table("address_generator", "cycle of the port or piece", sweeps);
}
