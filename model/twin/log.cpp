// Magic, version, identity, finding, commands, checksum (FNV-1a over all before it).
#include "model/twin/log.h"

#include "arch/chip_text.h"
#include "base/byte_stream.h"

namespace leto::model {
namespace {

constexpr std::string_view kMagic = "LETOTWIN";
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kChecksumBytes = sizeof(std::uint64_t);
constexpr Cycle kLongest = Cycle{1} << 24;  // of a command; its shape allows no more work

template <class Sequence>
void write_all(ByteWriter& out, const Sequence& values) {
  out.list(std::as_bytes(std::span(values)));
}

template <class T>
std::vector<T> read_all(ByteReader& in) {
  const auto bytes = in.list();
  if (bytes.size() % sizeof(T) != 0) in.fail("a list ends within an element");
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

void write(ByteWriter& out, const Story& story) {
  for (const auto* text : {&story.command, &story.operation, &story.doing, &story.inputs}) out.text(*text);
}

Story read_story(ByteReader& in) {
  Story story;
  for (auto* text : {&story.command, &story.operation, &story.doing, &story.inputs}) *text = in.text();
  return story;
}

void write(ByteWriter& out, const Finding& finding) {
  out.text(finding.instance);
  out.text(finding.signal);
  out.number(finding.cycle);
  out.number(finding.compared_cycle);
  out.text(finding.model);
  out.text(finding.rtl);
  write(out, finding.story);
  out.number(finding.seed);
  out.number<std::uint8_t>(finding.planted);
}

Finding read_finding(ByteReader& in) {
  Finding finding;
  finding.instance = in.text();
  finding.signal = in.text();
  finding.cycle = in.number<Cycle>();
  finding.compared_cycle = in.number<std::uint64_t>();
  finding.model = in.text();
  finding.rtl = in.text();
  finding.story = read_story(in);
  finding.seed = in.number<std::uint64_t>();
  finding.planted = in.number<std::uint8_t>() != 0;
  return finding;
}

void write(ByteWriter& out, const TwinSpec& spec) {
  out.number(spec.every);
  out.text(spec.block);
  out.number<std::uint8_t>(spec.inject.has_value());
  if (!spec.inject) return;
  out.text(spec.inject->signal);
  out.number(spec.inject->cycle);
}

TwinSpec read_spec(ByteReader& in) {
  TwinSpec spec;
  spec.mode = TwinMode::check;
  spec.every = in.number<std::uint64_t>();
  if (spec.every == 0) in.fail("one of 0 sequences is checked");
  spec.block = in.text();
  if (in.number<std::uint8_t>() == 0) return spec;
  spec.inject.emplace();
  spec.inject->signal = in.text();
  spec.inject->cycle = in.number<std::uint64_t>();
  return spec;
}

void write(ByteWriter& out, const Comparison::Place& place) {
  out.number(place.cycles_compared);
  out.number(place.sequences);
}

Comparison::Place read_place(ByteReader& in) {
  const auto cycles = in.number<std::uint64_t>();
  return {cycles, in.number<std::uint64_t>()};
}

// Start and finish in the order of the engine, and no longer than a command lasts: a replay goes cycle by
// cycle.
void check_times(const ByteReader& in, Cycle start, Cycle finish, Cycle stall, Cycle& last) {
  if (start < last || finish <= start || finish - start > kLongest || stall >= finish - start)
    in.fail(fmt::format("no command goes from cycle {} to {} after one to {}", start, finish, last));
  last = finish;
}

void write(ByteWriter& out, const MatrixRun& run) {
  out.number(run.held_type);
  out.number(run.stream_type);
  for (const int extent : {run.m, run.n, run.k}) out.number(extent);
  out.number<std::uint8_t>(run.first);
  write_all(out, run.held);
  write_all(out, run.stream);
  write_all(out, run.before);
  write_all(out, run.after);
  for (const Cycle cycle : {run.start, run.finish, run.held_ready, run.stall}) out.number(cycle);
  out.number(run.stall_block);
  out.number(run.stall_vector);
  out.text(run.command);
  out.text(run.operation);
}

DType read_operand_type(ByteReader& in) {
  const auto type = in.enumerator<DType>(static_cast<int>(DType::e5m2));
  if (type == DType::fp32) in.fail("the matrix engine takes no fp32");
  return type;
}

MatrixRun read_matrix(ByteReader& in, const MatrixEngineConfig& engine, Cycle& last) {
  constexpr int kMost = 0xffff;  // of n and k
  MatrixRun run;
  run.held_type = read_operand_type(in);
  run.stream_type = read_operand_type(in);
  for (int* extent : {&run.m, &run.n, &run.k}) {
    *extent = in.number<int>();
    if (*extent < 1 || *extent > kMost) in.fail(fmt::format("no extent is {}", *extent));
  }
  if (run.m > engine.tiles * isa::kBankRows) in.fail(fmt::format("the engine holds no {} rows", run.m));
  run.first = in.number<std::uint8_t>() != 0;
  run.held = read_all<std::uint16_t>(in);
  run.stream = read_all<std::uint16_t>(in);
  run.before = read_all<float>(in);
  run.after = read_all<float>(in);
  const auto m = static_cast<std::size_t>(run.m), n = static_cast<std::size_t>(run.n),
             k = static_cast<std::size_t>(run.k);
  if (run.held.size() != m * k || run.stream.size() != n * k || run.after.size() != m * n ||
      (!run.first && run.before.size() != m * n))
    in.fail("the operands have another shape");
  for (Cycle* cycle : {&run.start, &run.finish, &run.held_ready, &run.stall}) *cycle = in.number<Cycle>();
  check_times(in, run.start, run.finish, run.stall, last);
  run.stall_block = in.number<int>();
  run.stall_vector = in.number<int>();
  run.command = in.text();
  run.operation = in.text();
  return run;
}

void write(ByteWriter& out, const ReductionRun& run) {
  out.number(run.op);
  out.number(run.type);
  out.number(run.count);
  write_all(out, run.banks);
  write_all(out, run.incoming);
  write_all(out, run.result);
  for (const Cycle cycle : {run.start, run.finish, run.stall}) out.number(cycle);
  out.number(run.stall_beat);
  out.text(run.command);
  out.text(run.operation);
}

ReductionRun read_reduction(ByteReader& in, const ReductionEngineConfig&, Cycle& last) {
  using isa::Opcode;
  ReductionRun run;
  run.op = static_cast<Opcode>(in.number<std::uint8_t>());
  const bool fill = run.op == Opcode::fill, merge = run.op == Opcode::merge;
  if (!fill && !merge && run.op != Opcode::drain && run.op != Opcode::pass)
    in.fail("no such command of a reduction engine");
  run.type = in.enumerator<DType>(static_cast<int>(DType::e5m2));
  run.count = in.number<int>();
  run.banks = read_all<std::uint32_t>(in);
  run.incoming = read_all<std::uint32_t>(in);
  run.result = read_all<std::uint32_t>(in);
  const auto count = static_cast<std::size_t>(run.count);
  if (run.count < 1 || run.count > 0xffff || run.result.size() != count ||
      (!run.banks.empty() && run.banks.size() != count) || run.incoming.size() != (fill || merge ? count : 0))
    in.fail("the operands have another shape");
  for (Cycle* cycle : {&run.start, &run.finish, &run.stall}) *cycle = in.number<Cycle>();
  check_times(in, run.start, run.finish, run.stall, last);
  run.stall_beat = in.number<int>();
  run.command = in.text();
  run.operation = in.text();
  return run;
}

void write(ByteWriter& out, const AddressRun& run) {
  for (const bool flag : {run.store, run.indexed, run.met}) out.number<std::uint8_t>(flag);
  out.number(run.rate);
  out.number(run.late);
  const isa::Transfer& t = run.transfer;
  out.number(t.address);
  for (const auto extent : {t.bytes, t.rows, t.row_stride, t.planes, t.plane_stride}) out.number(extent);
  out.number<std::uint64_t>(run.list.size());
  for (const isa::Run& part : run.list) {
    out.number(part.address);
    out.number(part.bytes);
  }
  out.number<std::uint64_t>(run.pieces.size());
  for (const AddressRun::Piece& piece : run.pieces) {
    out.number(piece.address);
    out.number(piece.bytes);
    out.number(piece.fragment);
    for (const Cycle cycle : {piece.cut, piece.leaves, piece.free}) out.number(cycle);
  }
  out.number(run.clocks);
  out.text(run.command);
  out.text(run.operation);
}

// A piece leaves no earlier than it is cut, and the port is free no earlier than that and soon after.
AddressRun::Piece read_piece(ByteReader& in, Cycle& last) {
  AddressRun::Piece piece;
  piece.address = in.number<std::uint64_t>();
  piece.bytes = in.number<std::uint32_t>();
  piece.fragment = in.number<std::uint32_t>();
  for (Cycle* cycle : {&piece.cut, &piece.leaves, &piece.free}) *cycle = in.number<Cycle>();
  if (piece.bytes == 0) in.fail("a piece without bytes");
  if (piece.cut < last || piece.leaves < piece.cut || piece.free < piece.leaves ||
      piece.free - piece.cut > kLongest)
    in.fail(fmt::format("no piece is cut at cycle {}, leaves at {} and has gone at {}", piece.cut,
                        piece.leaves, piece.free));
  last = piece.cut;
  return piece;
}

AddressRun read_address(ByteReader& in, const FabricInterfaceConfig&, Cycle& last) {
  constexpr std::size_t kRunBytes = 16, kPieceBytes = 40;
  AddressRun run;
  for (bool* flag : {&run.store, &run.indexed, &run.met}) *flag = in.number<std::uint8_t>() != 0;
  run.rate = in.number<std::uint32_t>();
  run.late = in.number<std::uint32_t>();
  if (run.rate == 0 || run.late > kLongest) in.fail("no port has this pace");
  isa::Transfer& t = run.transfer;
  t.address = in.number<std::uint64_t>();
  for (auto* extent : {&t.bytes, &t.rows, &t.row_stride, &t.planes, &t.plane_stride})
    *extent = in.number<std::int64_t>();
  std::int64_t bytes = 0;
  for (std::size_t left = in.count(kRunBytes); left > 0; --left) {
    const auto address = in.number<std::uint64_t>();
    run.list.push_back({address, in.number<std::int64_t>()});
    if (const std::int64_t one = run.list.back().bytes; one < 1 || one > isa::kMostRecords)
      in.fail(fmt::format("no run has {} bytes", one));
    bytes += run.list.back().bytes;
  }
  for (std::size_t left = in.count(kPieceBytes); left > 0; --left) {
    run.pieces.push_back(read_piece(in, last));
    bytes -= run.pieces.back().bytes;
  }
  if (run.pieces.empty() || (run.indexed && bytes != 0)) in.fail("the pieces are not those of the transfer");
  run.clocks = in.number<std::uint64_t>();
  run.command = in.text();
  run.operation = in.text();
  return run;
}

void write(ByteWriter& out, const LookupRun& run) {
  out.number(run.op);
  out.number(run.type);
  out.number(run.row);
  write_all(out, run.x);
  write_all(out, run.result);
  for (const Cycle cycle : {run.start, run.finish}) out.number(cycle);
  out.text(run.command);
  out.text(run.operation);
}

LookupRun read_lookup(ByteReader& in, const VectorEngineConfig&, Cycle& last) {
  LookupRun run;
  run.op = in.enumerator<isa::VectorOp>(isa::kVectorOps - 1);
  run.type = in.enumerator<DType>(static_cast<int>(DType::e5m2));
  run.row = in.number<int>();
  run.x = read_all<std::uint32_t>(in);
  run.result = read_all<std::uint32_t>(in);
  if (run.row < 1 || run.x.empty() || run.x.size() != run.result.size() || !is_lookup(run.op))
    in.fail("no elements of a function");
  for (Cycle* cycle : {&run.start, &run.finish}) *cycle = in.number<Cycle>();
  check_times(in, run.start, run.finish, 0, last);
  run.command = in.text();
  run.operation = in.text();
  return run;
}

void write(ByteWriter& out, const SramBankRun& run) {
  out.number(run.port);
  out.number(run.tag);
  out.number(run.size);
  for (const Cycle cycle : {run.at, run.done}) out.number(cycle);
  out.number(run.clocks);
}
constexpr std::size_t kSramBankBytes = 1 + 1 + 4 + 3 * 8;

SramBankRun read_sram_bank(ByteReader& in, const SramConfig& sram, Cycle& last) {
  SramBankRun run;
  run.port = in.enumerator<BankPort>(kBankPorts - 1);
  run.tag = in.number<std::uint8_t>();
  run.size = in.number<std::uint32_t>();
  for (Cycle* cycle : {&run.at, &run.done}) *cycle = in.number<Cycle>();
  run.clocks = in.number<std::uint64_t>();
  const auto most = static_cast<std::uint32_t>(std::max(sram.line_bytes, sram.interleave_bytes));
  if (run.tag >= SramBankChecker::kTags || run.size < 1 || run.size > most)
    in.fail(fmt::format("no request is for {} bytes", run.size));
  const Cycle least = ceil_div(run.size, static_cast<Cycle>(sram.bank_bytes_per_cycle)) +
                      (writes(run.port) ? 0 : static_cast<Cycle>(sram.latency_cycles));
  if (run.at < last || run.done < run.at || run.done - run.at < least || run.done - run.at > kLongest)
    in.fail(fmt::format("no request that comes at cycle {} is done at {}", run.at, run.done));
  last = run.at;
  return run;
}

void write(ByteWriter& out, const BufferTwin::Event& event) {
  out.number(event.now);
  out.number(event.kind);
  out.number(event.count);
  out.number(event.hold_cause);
  out.number(event.hold_buffer);
  for (const auto operand : event.operand) out.number(operand);
  for (const auto value : event.value) out.number(value);
}
constexpr std::size_t kEventBytes = 8 + 4 + 3 + 3 * 4;

BufferTwin::Event read_event(ByteReader& in, Cycle& last) {
  using Event = BufferTwin::Event;
  Event event;
  event.now = in.number<Cycle>();
  if (event.now < last) in.fail("events go back in time");
  last = event.now;
  event.kind = in.enumerator<Event::Kind>(static_cast<int>(Event::Kind::hold));
  event.count = in.number<std::uint8_t>();
  if (event.count > BufferTwin::kOperands) in.fail(fmt::format("{} operands", event.count));
  event.hold_cause = in.number<std::uint8_t>();
  event.hold_buffer = in.number<std::uint8_t>();
  for (auto& operand : event.operand) operand = in.number<std::uint8_t>();
  for (auto& value : event.value) value = in.number<std::uint32_t>();
  const bool defines = event.kind == Event::Kind::define;
  if ((defines && event.operand[0] > Event::kId) || (event.holds() && event.hold_buffer > Event::kId))
    in.fail("no such buffer");
  return event;
}

template <class Run>
void write_log(ByteWriter& out, const CommandLog<Run>& log) {
  write(out, log.from);
  out.number<std::uint8_t>(log.primed);
  out.number<std::uint64_t>(log.runs.size());
  for (const Run& run : log.runs) write(out, run);
}

// `least`: bytes of a command.
template <class Run, class Config, class Read>
CommandLog<Run> read_runs(ByteReader& in, const Config& config, Read read, std::size_t least = 64) {
  CommandLog<Run> log;
  log.from = read_place(in);
  log.primed = in.number<std::uint8_t>() != 0;
  Cycle last = 0;
  for (std::size_t left = in.count(least); left > 0; --left) log.runs.push_back(read(in, config, last));
  return log;
}

void write_log(ByteWriter& out, const BufferTwin::Log& log) {
  write(out, log.from);
  out.number<std::uint64_t>(log.events.size());
  for (const auto& event : log.events) write(out, event);
  out.number<std::uint64_t>(log.stories.size());
  for (const Story& story : log.stories) write(out, story);
}

void write(ByteWriter& out, const RouterPacket& packet) {
  for (const std::uint8_t one :
       {packet.in, packet.row_first, packet.row_last, packet.column_first, packet.column_last})
    out.number(one);
  out.number(packet.pes);
  out.number(packet.beats);
  out.number(packet.cycles);
  write_all(out, packet.parts);
  for (const Cycle cycle : {packet.head, packet.tail, packet.room}) out.number(cycle);
  out.number<std::uint64_t>(packet.ways.size());
  for (const RouterPacket::Way& way : packet.ways) {
    out.number(way.out);
    out.number(way.at);
    out.number(way.held);
    out.number(way.left);
  }
}

RouterPacket read_packet(ByteReader& in) {
  constexpr std::size_t kWayBytes = 21;
  RouterPacket packet;
  packet.in = in.enumerator<std::uint8_t>(RouterPacket::kStart);
  for (std::uint8_t* one : {&packet.row_first, &packet.row_last, &packet.column_first, &packet.column_last})
    *one = in.number<std::uint8_t>();
  packet.pes = in.number<std::uint64_t>();
  packet.beats = in.number<std::uint32_t>();
  packet.cycles = in.number<std::uint32_t>();
  packet.parts = read_all<std::uint32_t>(in);
  for (Cycle* cycle : {&packet.head, &packet.tail, &packet.room}) *cycle = in.number<Cycle>();
  for (std::size_t left = in.count(kWayBytes); left > 0; --left) {
    RouterPacket::Way way;
    way.out = in.number<std::uint8_t>();
    way.at = in.number<Cycle>();
    way.held = in.number<Cycle>();
    way.left = in.number<std::uint32_t>();
    packet.ways.push_back(way);
  }
  return packet;
}

void write_log(ByteWriter& out, const RouterChecker::Log& log) {
  out.number(log.router);
  write(out, log.from);
  out.number<std::uint64_t>(log.runs.size());
  for (const RouterRun& run : log.runs) {
    out.number(run.at);
    out.number<std::uint64_t>(run.packets.size());
    for (const RouterPacket& packet : run.packets) write(out, packet);
  }
}

// A replay goes cycle by cycle: dates lie ahead, and no farther than the counters go.
void check_dates(const ByteReader& in, const RouterRun& run, const ChipConfig& chip, Cycle last) {
  const int ways = RouterPacket::kLinks + chip.noc.cluster_rows * chip.noc.cluster_columns;
  bool good = run.at >= last && !run.packets.empty() && run.until() - run.at <= kLongest;
  for (const RouterPacket& packet : run.packets) {
    good &= !packet.ways.empty();
    for (const RouterPacket::Way& way : packet.ways) good &= way.out <= ways;
  }
  if (!good) in.fail(fmt::format("no packets are launched at cycle {}", run.at));
}

RouterChecker::Log read_router(ByteReader& in, const ChipConfig& chip) {
  constexpr std::size_t kRunBytes = 16, kPacketBytes = 61;
  RouterChecker::Log log;
  log.router = in.number<int>();
  if (log.router < 0 || log.router >= instances(TwinBlock::router, chip))
    in.fail(fmt::format("the chip has no router {}", log.router));
  log.from = read_place(in);
  Cycle last = 0;
  for (std::size_t runs = in.count(kRunBytes); runs > 0; --runs) {
    RouterRun run;
    run.at = in.number<Cycle>();
    for (std::size_t left = in.count(kPacketBytes); left > 0; --left) run.packets.push_back(read_packet(in));
    check_dates(in, run, chip, last);
    last = run.at;
    log.runs.push_back(std::move(run));
  }
  return log;
}

BufferTwin::Log read_buffers(ByteReader& in) {
  BufferTwin::Log log;
  constexpr std::size_t kStoryBytes = 4 * sizeof(std::uint64_t);
  log.from = read_place(in);
  Cycle last = 0;
  for (std::size_t left = in.count(kEventBytes); left > 0; --left) log.events.push_back(read_event(in, last));
  for (std::size_t left = in.count(kStoryBytes); left > 0; --left) log.stories.push_back(read_story(in));
  if (log.stories.size() > log.events.size()) in.fail("more stories than events");
  return log;
}

void check_identity(ByteReader& whole, std::span<const std::byte> bytes) {
  const std::string remedy = "give a .twin file that a mismatch of `leto run --twin` left";
  if (bytes.size() < kMagic.size() + sizeof(kVersion) + kChecksumBytes)
    whole.fail(fmt::format("{} bytes are no log of a twin", bytes.size()), remedy);
  const auto magic = whole.take(kMagic.size());
  if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0) whole.fail("no log of a twin", remedy);
  if (const auto version = whole.number<std::uint32_t>(); version != kVersion)
    whole.fail(fmt::format("version {}, this build reads {}", version, kVersion),
               "run again to get a new one");
  std::uint64_t stored;
  std::memcpy(&stored, bytes.data() + bytes.size() - kChecksumBytes, kChecksumBytes);
  if (stored != fnv1a(bytes.first(bytes.size() - kChecksumBytes)))
    whole.fail("the checksum does not fit", "the file is damaged: run again to get a new one");
}

}  // namespace

std::vector<std::byte> to_bytes(const TwinLog& log) {
  ByteWriter out;
  out.raw(std::as_bytes(std::span(kMagic)));
  out.number(kVersion);
  out.number(log.block);
  out.text(to_toml(log.chip));
  write(out, log.spec);
  out.number(log.program_hash);
  out.number(log.rtl_hash);
  write(out, log.finding);
  std::visit([&](const auto& kept) { write_log(out, kept); }, log.commands);
  return out.sealed();
}

TwinLog log_from_bytes(std::span<const std::byte> bytes, std::string_view where) {
  ByteReader whole(bytes, where);
  check_identity(whole, bytes);
  ByteReader in(bytes.first(bytes.size() - kChecksumBytes), where);
  in.take(kMagic.size() + sizeof(kVersion));
  TwinLog log;
  log.block = in.enumerator<TwinBlock>(kTwinBlocks.size() - 1);
  log.chip = chip_of_text(in.text(), fmt::format("{}: chip", where));
  log.spec = read_spec(in);
  log.program_hash = in.number<std::uint64_t>();
  log.rtl_hash = in.number<std::uint64_t>();
  log.finding = read_finding(in);
  switch (log.block) {
    case TwinBlock::matrix_engine:
      log.commands = read_runs<MatrixRun>(in, log.chip.matrix_engine, read_matrix);
      break;
    case TwinBlock::reduction_engine:
      log.commands = read_runs<ReductionRun>(in, log.chip.reduction_engine, read_reduction);
      break;
    case TwinBlock::buffer_manager:
      log.commands = read_buffers(in);
      break;
    case TwinBlock::load_address_generator:
    case TwinBlock::store_address_generator:
      log.commands = read_runs<AddressRun>(in, log.chip.fabric_interface, read_address);
      break;
    case TwinBlock::vector_lookup:
      log.commands = read_runs<LookupRun>(in, log.chip.vector_engine, read_lookup);
      break;
    case TwinBlock::sram_bank:
      log.commands = read_runs<SramBankRun>(in, log.chip.sram, read_sram_bank, kSramBankBytes);
      break;
    case TwinBlock::router:
      log.commands = read_router(in, log.chip);
      break;
  }
  if (!in.at_end()) in.fail("bytes follow the last command");
  return log;
}

}  // namespace leto::model
