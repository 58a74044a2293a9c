#include "model/twin/address_twin.h"

#include <algorithm>

#include "model/noc/noc.h"
#include "model/twin/log.h"

namespace leto::model {

AddressRun::Piece piece_of(const IssueWatch::Cut& cut) {
  const auto in_cycles = [&](std::int64_t bytes) {
    return ceil_div(static_cast<Cycle>(bytes), static_cast<Cycle>(cut.rate));
  };
  const Cycle free = cut.store ? cut.leaves + in_cycles(in_beats(cut.bytes))
                               : std::max(cut.port_free, cut.leaves) + in_cycles(cut.fragment);
  return {cut.address, cut.bytes,  cut.first ? static_cast<std::uint32_t>(cut.fragment) : 0,
          cut.cut,     cut.leaves, free};
}

void AddressTwin::submitted(const isa::Command& command, const std::vector<isa::Run>& list) {
  AddressRun run;
  run.store = command.opcode != isa::Opcode::load && command.opcode != isa::Opcode::gather;
  run.indexed = isa::is_indexed(command);
  if (run.indexed)
    run.list = list;
  else
    run.transfer = isa::transfer_of(command);
  run.met = command.opcode == isa::Opcode::load &&
            command[isa::load_t::multicast] != static_cast<std::int64_t>(isa::Multicast::none);
  wait_for(std::move(run), command);
}

void AddressTwin::submitted(AddressRun run) {
  wait_for(std::move(run), {});
}

void AddressTwin::wait_for(AddressRun run, std::optional<isa::Command> command) {
  const std::int64_t bytes = run.indexed ? isa::Runs(run.list).bytes() : isa::Runs(run.transfer).bytes();
  waiting_.push_back({std::move(run), bytes, std::move(command)});
}

void AddressTwin::cut(const IssueWatch::Cut& cut) {
  Waiting& front = waiting_.front();
  if (front.run.pieces.empty()) {
    front.run.rate = static_cast<std::uint32_t>(cut.rate);
    front.run.late = static_cast<std::uint32_t>(cut.port_free - std::min(cut.cut, cut.port_free));
  }
  front.run.pieces.push_back(piece_of(cut));
  front.left -= cut.bytes;
  if (front.left > 0) return;
  Waiting done = std::move(front);
  waiting_.pop_front();
  AddressRun& run = done.run;
  if (!checker_.comparison().wants(run.pieces.front().cut, run.pieces.back().cut,
                                   static_cast<std::int64_t>(run.pieces.size())))
    return checker_.skip();
  if (done.command) {
    run.command = isa::describe(*done.command);
    run.operation = operation_of(*done.command, program_);
  }
  checker_.add(std::move(run));
}

void AddressTwin::log(TwinLog& log) const {
  log.commands = checker_.log();
}

}  // namespace leto::model
