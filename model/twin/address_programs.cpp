#include "model/twin/address_programs.h"

namespace leto::model {

AddressPrograms::AddressPrograms(Kernel& kernel, const ChipConfig& chip, std::uint64_t seed, int transfers,
                                 Sizes sizes)
    : Process(sc_core::sc_gen_unique_name("programs"), kernel),
      chip_(chip),
      sizes_(sizes),
      left_(transfers),
      random_(seed),
      fabric_(sc_core::sc_gen_unique_name("fabric"), kernel, chip, {}) {
  for (int pe = 0; pe < chip.pes(); ++pe) fabric_.connect(pe, *this);
  fabric_.watch_issue(this);
  sequences_.resize(static_cast<std::size_t>(chip.pes()) * 2);
  wake_at(100);
}

void AddressPrograms::check(int pe, const TwinSpec& spec, std::uint64_t seed, const MakeBlock& block) {
  const isa::Program& program = program_;
  const auto make = [&](TwinBlock direction) {
    return std::make_unique<AddressTwin>(chip_, direction, spec, instance_of(pe, direction), seed, program,
                                         block ? block() : nullptr);
  };
  twins[{pe, false}] = make(TwinBlock::load_address_generator);
  twins[{pe, true}] = make(TwinBlock::store_address_generator);
}

void AddressPrograms::step(Cycle now) {
  for (std::size_t burst = 1 + below(4); burst > 0; --burst) {
    const auto any = static_cast<int>(below(static_cast<std::size_t>(chip_.pes())));
    const int pe = below(3) == 0 ? any : kCheckedPe + static_cast<int>(below(2));
    below(6) == 0 ? meet() : single(pe);
  }
  if (left_ > 0) wake_at(now + 1 + below(below(3) ? 40 : 1500));
}

std::uint64_t AddressPrograms::place() {
  if (sizes_ == Sizes::any && below(2)) return far_place();
  const bool scratch = below(2) == 0;
  if (scratch) note("scratch");
  return (scratch ? isa::kSramBase : 0) + kRegion * (1 + below(20)) +
         below(below(2) ? 4096 : 4) * (below(2) ? 1 : 64);
}

// Device memory, with room on either side.
std::uint64_t AddressPrograms::far_place() {
  note("far");
  return (std::uint64_t{1} << 39) - (std::uint64_t{1} << 38) + (random_() >> 25);
}

std::int64_t AddressPrograms::up_to_bits(std::size_t bits) {
  const std::size_t most = std::size_t{1} << bits;
  return static_cast<std::int64_t>(below(2) ? most : 1 + below(most));
}

// One run, however its bytes are spread over rows and planes.
isa::Transfer AddressPrograms::long_shape() {
  note("long");
  const std::size_t bits = 12 + below(kMostBits - 11), third = below(3);
  const std::size_t first = below(bits + 1), rest = bits - first;
  isa::Transfer t;
  t.address = far_place();
  t.bytes = up_to_bits(third == 0 ? bits : third == 1 ? 0 : first);
  t.rows = up_to_bits(third == 1 ? first : 0);
  t.planes = up_to_bits(third == 0 ? 0 : rest);
  t.row_stride = t.bytes;
  t.plane_stride = t.bytes * t.rows;
  if (t.plane_stride * t.planes > chip_.fabric_interface.fragment_bytes) note("several fragments");
  return t;
}

// A piece a row: more rows than 2^16 cost more pieces than they tell.
isa::Transfer AddressPrograms::many_rows() {
  note("many rows");
  const std::size_t bits = 6 + below(below(4) ? 6 : 11);
  isa::Transfer t;
  t.address = far_place();
  t.bytes = 1;
  const bool of_planes = below(2);
  t.rows = of_planes ? 1 : up_to_bits(bits);
  t.planes = of_planes ? up_to_bits(bits) : 1;
  t.row_stride = t.plane_stride = 2;
  return t;
}

isa::Transfer AddressPrograms::far_strides() {
  note("far strides");
  const auto stride = [this] {
    const auto far = static_cast<std::int64_t>(random_() >> (29 + below(15)));
    return below(2) ? far : -far;
  };
  isa::Transfer t;
  t.address = far_place();
  t.bytes = static_cast<std::int64_t>(1 + below(3000));
  t.rows = static_cast<std::int64_t>(1 + below(3));
  t.planes = static_cast<std::int64_t>(1 + below(3));
  t.row_stride = stride();
  t.plane_stride = stride();
  return t;
}

isa::Transfer AddressPrograms::any_shape() {
  switch (sizes_ == Sizes::any ? below(6) : 3) {
    case 0:
      return long_shape();
    case 1:
      return many_rows();
    case 2:
      return far_strides();
    default:
      return shape();
  }
}

std::vector<isa::Run> AddressPrograms::some_runs() {
  if (sizes_ == Sizes::any && below(2)) return {{far_place(), up_to_bits(below(kMostBits + 1))}};
  std::vector<isa::Run> list;
  for (std::size_t i = 1 + below(20); i > 0; --i)
    list.push_back({place(), static_cast<std::int64_t>(1 + below(below(4) ? 300 : 6000))});
  return list;
}

isa::Transfer AddressPrograms::shape() {
  isa::Transfer t;
  t.address = place();
  t.rows = static_cast<std::int64_t>(1 + below(below(2) ? 4 : 20));
  t.planes = static_cast<std::int64_t>(1 + below(4));
  t.bytes = static_cast<std::int64_t>(1 + below(below(3) ? 200 : below(4) ? 1500 : 9000));
  while (t.bytes * t.rows * t.planes > kRegion / 2)
    t.rows > 1 ? --t.rows : t.planes > 1 ? --t.planes : t.bytes /= 2;
  const std::int64_t gap = static_cast<std::int64_t>(below(3) ? 1 + below(300) : 0);
  t.row_stride = t.bytes + gap;
  switch (below(6)) {
    case 0:
      t.row_stride = -t.row_stride;
      note("backwards");
      break;
    case 1:
      t.row_stride = 0;
      note("the same row again");
      break;
    default:
      break;
  }
  const std::int64_t end = (t.rows - 1) * t.row_stride + t.bytes;
  t.plane_stride = below(2) ? end : end + static_cast<std::int64_t>(below(500));
  if (t.rows > 1 && t.row_stride == t.bytes) note("rows touch");
  if (t.rows > 1 && t.row_stride != t.bytes && t.planes > 1 && t.plane_stride == end)
    note("touch at a plane's end");
  if (t.bytes > chip_.fabric_interface.fragment_bytes) note("several fragments");
  t.address += static_cast<std::uint64_t>(kRegion / 2);  // room to go backwards
  return t;
}

void AddressPrograms::submit(int pe, bool store, isa::Multicast multicast, const AddressRun& run,
                             std::int64_t rate) {
  Transfer transfer;
  transfer.pe = pe;
  transfer.store = store;
  transfer.multicast = multicast;
  if (run.indexed) {
    lists_.push_back(run.list);
    transfer.runs = isa::Runs(lists_.back());
    transfer.modify = store && below(2);
  } else {
    transfer.runs = isa::Runs(run.transfer);
  }
  transfer.rate = rate;
  transfer.sequence = sequences_[static_cast<std::size_t>(pe * 2 + store)]++;
  fabric_.submit(transfer);
  --left_;
  const auto twin = twins.find({pe, store});
  if (twin == twins.end()) return;
  twin->second->submitted(run);
  ++shown;
  note(store ? "store" : "load");
  if (run.met) note("multicast");
  if (run.indexed) note("by index");
}

// A slow port takes as many clocks as a transfer has bytes.
std::int64_t AddressPrograms::some_rate(std::int64_t bytes) {
  const int most = chip_.fabric_interface.bytes_per_cycle;
  if (below(2) || bytes > 4 * kRegion) return most;
  note("a slower port");
  if (sizes_ == Sizes::any && below(2)) return 1;
  return static_cast<std::int64_t>(1 + below(static_cast<std::size_t>(most)));
}

AddressRun AddressPrograms::described(bool store) {
  AddressRun run;
  run.store = store;
  run.command = "random transfer";
  run.operation = kForNone;
  return run;
}

void AddressPrograms::single(int pe) {
  const bool store = below(2);
  AddressRun run = described(store);
  run.indexed = below(5) == 0;
  if (run.indexed)
    run.list = some_runs();
  else
    run.transfer = any_shape();
  submit(pe, store, isa::Multicast::none, run, some_rate(bytes_of(run)));
}

std::int64_t AddressPrograms::bytes_of(const AddressRun& run) {
  return (run.indexed ? isa::Runs(run.list) : isa::Runs(run.transfer)).bytes();
}

// All PEs load the same, group by group.
void AddressPrograms::meet() {
  const auto kind = static_cast<isa::Multicast>(1 + below(3));
  AddressRun run = described(false);
  run.met = true;
  run.transfer = shape();
  for (int pe = 0; pe < chip_.pes(); ++pe) submit(pe, false, kind, run, some_rate(bytes_of(run)));
}

void AddressPrograms::cut(int pe, const Cut& cut) {
  const auto twin = twins.find({pe, cut.store});
  if (twin != twins.end()) twin->second->cut(cut);
}

}  // namespace leto::model
