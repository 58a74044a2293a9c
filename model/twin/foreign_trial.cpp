#include "model/twin/foreign_trial.h"

#include <algorithm>
#include <set>

#include "base/errors.h"
#include "model/noc/noc.h"
#include "model/twin/address_programs.h"
#include "model/twin/buffer_checker.h"
#include "model/twin/buffer_programs.h"
#include "model/twin/buffer_streams.h"
#include "model/twin/lookup_programs.h"
#include "model/twin/matrix_programs.h"
#include "model/twin/reduction_programs.h"
#include "model/twin/replay.h"
#include "model/twin/router_programs.h"
#include "model/twin/sram_bank_programs.h"
#include "rtl/pins.h"

namespace leto::model {
namespace {

constexpr int kTries = 20000;  // commands in a row that the block is not given

constexpr int kBufferCommands = 16;  // for one of others: they are cheap, and fill a deep buffer rarely

const TwinSpec kCheck = {"", TwinMode::check, 1, {}, false};

MatrixLimits limits_of(const StreamSpec& stream, const ChipConfig& chip) {
  MatrixLimits limits;
  limits.m.most = chip.matrix_engine.tiles * isa::kBankRows;
  for (const auto& [name, extent] : {std::pair{"m", &limits.m}, {"n", &limits.n}, {"k", &limits.k}}) {
    const auto own = stream.shape.find(name);
    if (own == stream.shape.end()) continue;
    const std::int64_t most = extent == &limits.m ? limits.m.most : own->second.most;
    *extent = own->second;
    extent->most = std::min(extent->most, most);
    if (extent->most / extent->step * extent->step < extent->least)
      throw Error(ExitCode::bad_input,
                  fmt::format("{}: this chip's engines have up to {} rows", stream.place, most),
                  "give [shape] an m up to that, or take another --chip");
  }
  limits.types.clear();
  for (const auto& [type, code] : stream.types) limits.types.push_back(type);
  limits.mixes = stream.has("cmd_held_type") && stream.has("cmd_stream_type");
  limits.ordinary = stream.ordinary;
  limits.goes_on = stream.has("cmd_first") || stream.has("a_data");
  limits.keeps_sums = keeps_sums(stream);
  limits.apart = true;
  return limits;
}

}  // namespace

std::vector<rtl::ForeignPort> ForeignTrial::pins(const StreamSpec& stream, const ChipConfig& chip) {
  if (stream.level != CompareLevel::cycle) return StreamChecker::pins(stream);
  std::vector<rtl::ForeignPort> all;
  for (const rtl::Port& port : rtl::pins_of(stream.block, chip)) all.push_back({port, 0, true});
  return all;
}

ForeignTrial::Result ForeignTrial::run(int commands) {
  commands_ = commands;
  return stream_.level == CompareLevel::cycle ? run_cycles(commands) : run_streams(commands, nullptr);
}

void ForeignTrial::show(TwinWindow& window) {
  if (stream_.level == CompareLevel::cycle)
    replay(log_, &window, make_());
  else
    run_streams(commands_, &window);
}

/// `give` drives the checker, and says how many commands that was.
template <class Checker, class Drive>
ForeignTrial::Result ForeignTrial::drive(Checker& checker, Drive give) {
  Result result;
  try {
    give(result.given);
  } catch (const TwinMismatch& mismatch) {
    result.finding = log_.finding = mismatch.finding();
    log_.commands = checker.log();
  }
  result.count = checker.comparison().count();
  return result;
}

ForeignTrial::Result ForeignTrial::run_cycles(int commands) {
  log_.chip = chip_;
  log_.spec = kCheck;
  const auto all = [&](auto& checker, auto programs) {
    return drive(checker, [&](int& given) {
      for (; given < commands; ++given) checker.add(programs.next());
      if constexpr (requires { checker.flush(); }) checker.flush();
    });
  };
  if (stream_.block == "matrix_engine") {
    MatrixChecker checker(chip_.matrix_engine, kCheck, instance_, seed_, make_());
    return all(checker, MatrixPrograms(chip_.matrix_engine, seed_));
  }
  if (stream_.block == "reduction_engine") {
    ReductionChecker checker(chip_, kCheck, instance_, seed_, make_());
    return all(checker, ReductionPrograms(chip_, seed_));
  }
  if (stream_.block == "vector_lookup") {
    LookupChecker checker(chip_, kCheck, instance_, seed_, make_());
    return all(checker, LookupPrograms(chip_, seed_));
  }
  if (stream_.block == "sram_bank") {
    SramBankPrograms programs(chip_, kCheck, seed_, make_());
    return drive(programs.checker, [&](int& given) {
      for (; given < commands; given = programs.made) programs.program();
      programs.checker.flush();
    });
  }
  if (stream_.block == "buffer_manager") {
    const isa::Program none;
    BufferChecker checker(chip_, kCheck, instance_, seed_, none, make_());
    return drive(checker, [&](int& given) {
      BufferPrograms programs(checker, seed_);
      for (; given < kBufferCommands * commands; given = programs.commands) programs.cycle();
      checker.flush();
    });
  }
  return stream_.block == "address_generator" ? run_addresses(commands) : run_routers(commands);
}

/// What the twins of a simulation saw.
template <class Twins>
ForeignTrial::Result ForeignTrial::collect(const Twins& twins, const std::exception_ptr& failure, int given) {
  Result result;
  result.given = given;
  for (const auto& [place, twin] : twins) {
    const TwinCount& one = twin->comparison().count();
    result.count.cycles_compared += one.cycles_compared;
    result.count.values_compared += one.values_compared;
  }
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const TwinMismatch& mismatch) {
    result.finding = log_.finding = mismatch.finding();
    for (const auto& [place, twin] : twins)
      if (twin->comparison().instance() == mismatch.finding().instance) twin->log(log_);
  }
  return result;
}

// Both directions of two PEs.
ForeignTrial::Result ForeignTrial::run_addresses(int commands) {
  Kernel kernel(sc_core::sc_gen_unique_name("kernel"));
  AddressPrograms programs(kernel, chip_, seed_, commands, Sizes::ordinary);
  for (const int pe : {kCheckedPe, kCheckedPe + 1}) programs.check(pe, kCheck, seed_, make_);
  sc_core::sc_start();
  for (const auto& [place, twin] : programs.twins)
    if (kernel.failure && twin->comparison().count().mismatches > 0)
      log_.block = place.second ? TwinBlock::store_address_generator : TwinBlock::load_address_generator;
  return collect(programs.twins, kernel.failure, programs.shown);
}

// At corners of the mesh and inside.
ForeignTrial::Result ForeignTrial::run_routers(int commands) {
  Kernel kernel(sc_core::sc_gen_unique_name("kernel"));
  RouterPrograms programs(kernel, chip_, seed_, commands, false);
  const int routers = Noc(chip_).routers();
  for (const int router : std::set<int>{0, routers / 3, routers / 2, routers - 1})
    programs.check(router, kCheck, seed_, make_());
  sc_core::sc_start();
  std::exception_ptr failure = kernel.failure;
  try {
    if (!failure) programs.flush();
  } catch (const TwinMismatch&) {
    failure = std::current_exception();
  }
  return collect(programs.twins, failure, programs.submitted);
}

template <class Programs>
void ForeignTrial::give(StreamChecker& checker, Result& result, int commands, Programs& programs) {
  for (; result.given < commands; ++result.given)
    for (int tries = 0; !checker.add(programs.next()); ++tries) {
      ++result.left_out;
      if (tries == kTries)
        throw Error(ExitCode::bad_input,
                    fmt::format("{}: none of {} random commands in a row is one for this block",
                                stream_.place, kTries),
                    "widen [shape], or name more under [operations] and [types]");
    }
  checker.flush();
}

ForeignTrial::Result ForeignTrial::run_streams(int commands, TwinWindow* window) {
  auto block = make_();
  Result result;
  const auto play = [&](auto programs) {
    StreamChecker checker(std::move(block), stream_, kCheck, instance_, seed_);
    checker.comparison().show(window);
    try {
      give(checker, result, commands, programs);
    } catch (const TwinMismatch& mismatch) {
      result.finding = mismatch.finding();
    }
    result.count = checker.comparison().count();
    result.least = checker.least_seen;
    result.most = checker.most_seen;
    return result;
  };
  if (stream_.block == "matrix_engine")
    return play(MatrixPrograms(chip_.matrix_engine, seed_, limits_of(stream_, chip_)));
  if (stream_.block == "vector_lookup") return play(LookupPrograms(chip_, seed_, {stream_.ordinary, true}));
  if (stream_.block == "buffer_manager") return play(BufferRequests(buffer_limits(stream_, *block), seed_));
  return play(ReductionPrograms(chip_, seed_, stream_.ordinary));
}

}  // namespace leto::model
