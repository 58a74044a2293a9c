#include "model/fabric/fabric.h"

#include <algorithm>
#include <tuple>

#include "isa/instruction.h"

namespace leto::model {
namespace {

std::vector<int> line(int first, int step, int count) {
  std::vector<int> pes;
  for (int i = 0; i < count; ++i) pes.push_back(first + i * step);
  return pes;
}

}  // namespace

Fabric::Fabric(const sc_core::sc_module_name& name, Kernel& kernel, const ChipConfig& chip,
               const RunOptions& options)
    : Process(name, kernel),
      config_(chip.fabric_interface),
      rows_(chip.pe.rows),
      columns_(chip.pe.columns),
      noc_(chip, options.what_if.noc),
      memory_(chip, options.what_if.hbm, noc_, pieces_, *this),
      clients_(static_cast<std::size_t>(chip.pes() + (options.outside_engine ? 1 : 0)), nullptr),
      port_free_(clients_.size(), 0),
      last_asked_(static_cast<std::size_t>(noc_.routers()), -1) {
  const auto add_pair = [this](int beside) {
    for (int direction = 0; direction < 2; ++direction) {
      ports_.emplace_back();
      ports_.back().router = noc_.router_of_pe(beside);
      ports_.back().local = noc_.local_of(beside);
    }
  };
  for (int pe = 0; pe < chip.pes(); ++pe) add_pair(pe);
  if (options.outside_engine) add_pair(0);
  const auto add = [this](std::vector<int> pes) {
    ports_.emplace_back().router = noc_.router_of_pe(pes.front());
    groups_.push_back({std::move(pes), {}, static_cast<int>(ports_.size()) - 1});
  };
  for (int r = 0; r < rows_; ++r) add(line(r * columns_, 1, columns_));
  for (int c = 0; c < columns_; ++c) add(line(c, columns_, rows_));
  add(line(0, 1, chip.pes()));
  if (!options.outside_memory) return;
  MemorySocket::Client& client = *this;
  socket_ = std::make_unique<MemorySocket>("memory", kernel, chip.hbm.interleave_bytes, client);
  options.outside_memory(*socket_);
  memory_.replace_hbm(*socket_);
}

void Fabric::submit(const Transfer& transfer, Cycle now) {
  inbox_[now % 2].push_back(transfer);
  wake_at(now + 1);
}

void Fabric::step(Cycle now) {
  take_up(now);
  serve(now);
  const Cycle next = inbox_[now % 2].empty() ? wheel_.next() : now + 1;
  if (next != kNever) wake_at(next);
}

void Fabric::take_up(Cycle now) {
  std::vector<Transfer>& inbox = inbox_[(now + 1) % 2];
  std::ranges::sort(inbox, {}, [](const Transfer& t) { return std::tuple(t.pe, t.store, t.sequence); });
  for (const Transfer& transfer : inbox) start(transfer, now);
  inbox.clear();
}

void Fabric::serve(Cycle now) {
  now_ = now;
  look_ahead(now);
  for (wheel_.take(now, due_); !due_.empty(); wheel_.take(now, due_))
    for (const TimingWheel::Event word : due_) handle(Event(word), now);
}

// Pieces under way, and the LLC, exceed the host's first caches: a piece is asked for some cycles before its
// event, then what it leads to. A store's set of the LLC is asked for when it leaves its port.
void Fabric::look_ahead(Cycle now) {
  constexpr Cycle kPieces = 8, kRest = 3;
  for (Cycle at = std::max(looked_from_ + kPieces, now) + 1; at <= now + kPieces; ++at)
    wheel_.each_at(at, [this](TimingWheel::Event word) {
      if (const Event event(word); event.kind() != kPump && event.kind() != kServe)
        pieces_.prefetch(event.id());
    });
  for (Cycle at = std::max(looked_from_ + kRest, now) + 1; at <= now + kRest; ++at)
    wheel_.each_at(at, [this](TimingWheel::Event word) {
      const Event event(word);
      if (event.kind() == kPump || event.kind() == kServe) return;
      const Piece& piece = pieces_[event.id()];
      fragments_.prefetch(piece.fragment);
      if (event.kind() == kRequest) {
        memory_.prefetch(piece);
        if (piece.fill.next >= 0) pieces_.prefetch(piece.fill.next);
      } else if (event.kind() == kFetched) {
        memory_.prefetch_fetched(piece);
      }
    });
  looked_from_ = now;
}

void Fabric::handle(Event event, Cycle now) {
  const int id = event.id();
  switch (event.kind()) {
    case kPump:
      if (port(id).pump_at == now) port(id).pump_at = kNever;
      pump(id, now);
      break;
    case kRequest:
      request(id, now);
      break;
    case kFetched:
      memory_.fetched(id, now);
      [[fallthrough]];
    case kData:
      data(id, now);
      break;
    case kLeaves:
      leaves(id, now);
      break;
    case kServe:
      memory_.serve(id, now);
      break;
    case kStore:
      pieces_[id].modify ? memory_.load(id, now) : memory_.store(id, now);
      break;
  }
}

// -1: of no group.
int Fabric::group_of(int pe, isa::Multicast multicast) const {
  switch (multicast) {
    case isa::Multicast::row:
      return pe / columns_;
    case isa::Multicast::column:
      return rows_ + pe % columns_;
    case isa::Multicast::all:
      return rows_ + columns_;
    default:
      return -1;
  }
}

// Piece after piece; the LLC's sets are asked of the host some pieces ahead.
void Fabric::pass(int pe, bool store, isa::Multicast multicast, isa::Runs runs, bool sampled) {
  constexpr std::size_t kAhead = 16;
  const int number = group_of(pe, multicast);
  Group* group = number < 0 ? nullptr : &groups_[static_cast<std::size_t>(number)];
  const int router = ports_[static_cast<std::size_t>(pe) * 2].router;
  std::array<Piece, kAhead> ahead;
  std::size_t begin = 0, end = 0;
  const auto count = [&](const Piece& piece) {
    const std::int64_t bytes = in_beats(piece.bytes);
    port_bytes_ += static_cast<std::uint64_t>(bytes) * (group ? group->pes.size() : 1);
    group ? noc_.count(tree(*group, piece.router), bytes) : noc_.count(piece.router, router, bytes);
  };
  for (isa::Run run = runs.next(); run.bytes != 0; run = runs.next()) {
    Memory::Cutter cutter(memory_, run.address);
    while (run.bytes > 0) {
      if (end - begin == kAhead) memory_.pass(ahead[begin++ % kAhead], store, sampled);
      Piece& piece = ahead[end % kAhead];
      cutter.next(piece, std::min<std::int64_t>(run.bytes, config_.fragment_bytes));
      run.bytes -= piece.bytes;
      count(piece);
      if (sampled && !memory_.samples(piece)) {
        memory_.pass(piece, store, true);
        continue;
      }
      memory_.prefetch(piece);
      ++end;
    }
  }
  while (begin != end) memory_.pass(ahead[begin++ % kAhead], store, sampled);
}

// The set-up began with the submission, a cycle ago.
void Fabric::start(const Transfer& transfer, Cycle now) {
  const int id = streams_.take();
  Stream& stream = streams_[id];
  stream.port = transfer.pe * 2 + (transfer.store ? 1 : 0);
  Port& port = this->port(stream.port);
  port.set_up = std::max(now - 1, port.set_up) + static_cast<Cycle>(config_.command_cycles);
  stream.ready = std::max(now, port.set_up);
  stream.gathered = 0;
  stream.store = transfer.store;
  stream.modify = transfer.modify;
  stream.joined = false;
  stream.runs = transfer.runs;
  stream.undelivered = stream.runs.bytes();
  stream.next_fragment = 0;
  stream.rest = stream.runs.next();
  stream.granted = transfer.rate;
  stream.rate = Divider(static_cast<std::uint64_t>(transfer.rate));
  stream.members.assign(1, {transfer.pe, port.router, port.local, 0, transfer.sequence});
  stream.group = group_of(transfer.pe, transfer.multicast);
  port.queue.push_back(id);
  if (port.queue.size() == 1) pump(stream.port, now);
}

// Called by the outside memory's process.
void Fabric::answered(std::uint32_t tag, Cycle at) {
  now_ = now_cycle();
  memory_.answered(tag, at);
  wake_at(std::max(wheel_.next(), now_));
}

void Fabric::clean(Cycle now) {
  go_on_from(now);
  memory_.clean(now);
  if (const Cycle next = wheel_.next(); next != kNever) wake_at(next);
}

void Fabric::watch(Observer* observer) {
  memory_.watch(observer);
}

void Fabric::report(Statistics& statistics) const {
  const Hbm& hbm = memory_.hbm();
  const ControllerCounts dram = hbm.counts();
  const Sram& sram = memory_.sram();
  statistics.bytes["hbm"] = {hbm.bytes_read(), hbm.bytes_written()};
  statistics.bytes["sram"] = {sram.bytes_read(), sram.bytes_written()};
  statistics.bytes["noc"] = {noc_.link_bytes() + port_bytes_, 0};
  statistics.bursts = static_cast<std::int64_t>(hbm.bursts());
  statistics.counters["dram_activates"] = dram.activates;
  statistics.counters["dram_row_conflicts"] = dram.conflicts;
  statistics.counters["dram_refreshes"] = dram.refreshes;
  statistics.counters["dram_turnarounds"] = dram.turnarounds;
  statistics.counters["llc_hits"] = memory_.cache().hits();
  statistics.counters["llc_misses"] = memory_.cache().misses();
  statistics.counters["llc_write_backs"] = memory_.cache().write_backs();
}

}  // namespace leto::model
