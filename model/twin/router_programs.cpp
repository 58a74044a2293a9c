#include "model/twin/router_programs.h"

#include <array>
#include <iterator>
#include <utility>

namespace leto::model {

RouterPrograms::RouterPrograms(Kernel& kernel, const ChipConfig& chip, std::uint64_t seed, int transfers,
                               bool slow)
    : Process(sc_core::sc_gen_unique_name("traffic"), kernel),
      chip_(chip),
      slow_(slow),
      left_(transfers),
      random_(seed),
      fabric_(sc_core::sc_gen_unique_name("fabric"), kernel, chip, {}),
      routers_(chip) {
  for (int pe = 0; pe < chip.pes(); ++pe) fabric_.connect(pe, *this);
  fabric_.watch_noc(this);
  sequences_.resize(static_cast<std::size_t>(chip.pes()) * 2);
  wake_at(100);
}

void RouterPrograms::check(int router, const TwinSpec& spec, std::uint64_t seed,
                           std::unique_ptr<rtl::Block> block) {
  twins[router] = std::make_unique<RouterTwin>(chip_, router, spec, instance_of(router, TwinBlock::router),
                                               seed, std::move(block));
  routers_.connect(router, *twins[router]);
}

void RouterPrograms::flush() {
  routers_.flush();
  for (const auto& [router, twin] : twins) twin->flush();
}

void RouterPrograms::step(Cycle now) {
  const std::size_t kind = below(8);
  for (std::size_t burst = 1 + below(6); burst > 0; --burst) {
    if (kind == 0)
      meet();
    else if (kind == 1)
      crowd();
    else if (kind == 2 && burst == 1)
      chip_.pes() > 100 ? meet() : flood();
    else
      single();
  }
  if (left_ > 0) wake_at(now + 1 + below(below(3) ? 40 : below(6) ? 400 : slow_ ? 400000 : 6000));
}

std::int64_t RouterPrograms::from(std::size_t least, std::size_t most) {
  return static_cast<std::int64_t>(least + below(most - least + 1));
}

// Half of them at a router that has a twin.
int RouterPrograms::some_pe() {
  if (twins.empty() || below(2)) return static_cast<int>(below(static_cast<std::size_t>(chip_.pes())));
  const int router = std::next(twins.begin(), static_cast<std::ptrdiff_t>(below(twins.size())))->first;
  const int columns = (chip_.pe.columns + chip_.noc.cluster_columns - 1) / chip_.noc.cluster_columns;
  const int row = router / columns * chip_.noc.cluster_rows,
            column = router % columns * chip_.noc.cluster_columns;
  return row * chip_.pe.columns + column;
}

std::uint64_t RouterPrograms::place() {
  return (below(2) ? isa::kSramBase : 0) + below(2 * kRegion) / 32 * 32 + (below(4) ? 0 : below(32));
}

isa::Transfer RouterPrograms::shape() {
  isa::Transfer t;
  t.address = place();
  t.planes = 1;
  t.bytes = below(2) ? from(1, slow_ ? 3 : 200) : from(200, 6000);
  t.rows = t.bytes < 4 && slow_ ? from(1000, 6000) : t.bytes < 200 ? from(1, 40) : from(1, 4);
  t.row_stride = t.bytes + (below(2) ? 0 : from(1, 3000));
  t.plane_stride = 0;
  return t;
}

std::int64_t RouterPrograms::some_rate() {
  const auto most = static_cast<std::size_t>(chip_.fabric_interface.bytes_per_cycle);
  if (slow_) return from(1, below(2) ? 2 : most);
  return below(3) ? static_cast<std::int64_t>(most) : from(below(20) ? 8 : 1, most);
}

void RouterPrograms::submit(int pe, bool store, isa::Multicast multicast, const isa::Transfer& shape) {
  shapes_.push_back(shape);
  Transfer transfer;
  transfer.pe = pe;
  transfer.store = store;
  transfer.multicast = multicast;
  transfer.runs = isa::Runs(shapes_.back());
  transfer.rate = some_rate();
  transfer.sequence = sequences_[static_cast<std::size_t>(pe * 2 + store)]++;
  fabric_.submit(transfer);
  --left_;
  ++submitted;
  ++kinds[multicast != isa::Multicast::none ? "multicast" : store ? "store" : "load"];
  if (transfer.rate < chip_.fabric_interface.bytes_per_cycle) ++kinds["a slower port"];
  if (shape.bytes < 200) ++kinds["short rows"];
}

// All want one place.
void RouterPrograms::crowd() {
  isa::Transfer t = shape();
  const bool store = below(2);
  for (std::size_t i = 4 + below(12); i > 0; --i) submit(some_pe(), store, isa::Multicast::none, t);
}

// More than links carry and buffers hold.
void RouterPrograms::flood() {
  const bool store = below(2);
  isa::Transfer t;
  t.bytes = from(10000, 40000);
  t.rows = t.planes = 1;
  for (int pe = 0; pe < chip_.pes(); ++pe) {
    t.address = place();
    submit(pe, store, isa::Multicast::none, t);
  }
}

// The members of a group load the same; of a large grid not all at once.
void RouterPrograms::meet() {
  const isa::Transfer t = shape();
  const int columns = chip_.pe.columns, rows = chip_.pe.rows, pe = some_pe();
  const std::size_t kind = below(chip_.pes() > 100 ? 2 : 3);
  if (kind == 0)
    for (int i = 0; i < columns; ++i) submit(pe / columns * columns + i, false, isa::Multicast::row, t);
  if (kind == 1)
    for (int i = 0; i < rows; ++i) submit(pe % columns + i * columns, false, isa::Multicast::column, t);
  if (kind == 2)
    for (int i = 0; i < chip_.pes(); ++i) submit(i, false, isa::Multicast::all, t);
}

void RouterPrograms::part(std::int64_t bytes) {
  ++parts_;
  routers_.part(bytes);
}

void RouterPrograms::starts(const Start& start) {
  packet_parts_ = std::exchange(parts_, 0);
  in_cycle_ = start.at == launched_ ? in_cycle_ + 1 : 1;
  launched_ = start.at;
  from_.clear();
  leads_to_ = {{-1, start.router}};
  routers_.starts(start);
}

// A packet is somewhere.
void RouterPrograms::note_way(const Lying& lying) {
  static constexpr std::array<const char*, 4> kWays = {"north", "east", "south", "west"};
  ++shown;
  note(lying.link_in < 0 ? "starts" : kWays[static_cast<std::size_t>(lying.link_in % 4)]);
  note("no room for its end", cycle_from(lying.room) > launched_);
  note("several parts", packet_parts_ > 1);
  note("several in a cycle", in_cycle_ > 1);
  note("several ways", !from_.insert(lying.link_in).second);
}

void RouterPrograms::crosses(const Crossing& crossing) {
  leads_to_[crossing.link] = crossing.to;
  if (twins.contains(crossing.router)) {
    note_way(crossing.lying);
    note("waits for a link", crossing.there > crossing.head + fine(static_cast<Cycle>(chip_.noc.hop_cycles)));
  }
  routers_.crosses(crossing);
}

void RouterPrograms::ends(const End& end) {
  if (twins.contains(leads_to_.at(end.lying.link_in))) {
    note_way(end.lying);
    note("into a PE");
  }
  routers_.ends(end);
}

}  // namespace leto::model
