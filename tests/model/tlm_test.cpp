// The boundaries as TLM-2.0: a memory from outside takes Hbm's place, and Hbm behind a socket is still Hbm;
// an engine from outside reads and writes through the fabric as a PE does.
#include <doctest/doctest.h>

#include <tlm_utils/simple_target_socket.h>

#include "model/hbm/hbm.h"
#include "model/tlm/engine_socket.h"
#include "model/tlm/memory_socket.h"
#include "tests/model/programs.h"

namespace leto::model::test {
namespace {

/// A memory as a user would write one: every access takes `latency` cycles, one at a time `gap` cycles apart.
class FixedMemory : public sc_core::sc_module {
 public:
  FixedMemory(const sc_core::sc_module_name& name, Cycle latency, Cycle gap)
      : sc_module(name), socket("socket"), latency_(latency), gap_(gap) {
    socket.register_nb_transport_fw(this, &FixedMemory::forward);
  }
  tlm_utils::simple_target_socket<FixedMemory> socket;

 private:
  tlm::tlm_sync_enum forward(tlm::tlm_generic_payload& payload, tlm::tlm_phase&, sc_core::sc_time& delay) {
    const Cycle start = std::max(now_cycle(), free_);
    free_ = start + gap_;
    delay = cycles(start + latency_ - now_cycle());
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    return tlm::TLM_COMPLETED;
  }
  Cycle latency_, gap_, free_ = 0;
};

/// Hbm as an outside target: four-phase, answers from a process of its own.
class HbmTarget : public sc_core::sc_module {
 public:
  HbmTarget(const sc_core::sc_module_name& name, const ChipConfig& chip)
      : sc_module(name), socket("socket"), hbm_(chip) {
    socket.register_nb_transport_fw(this, &HbmTarget::forward);
    SC_HAS_PROCESS(HbmTarget);
    SC_METHOD(serve);
    sensitive << due_;
    dont_initialize();
  }
  tlm_utils::simple_target_socket<HbmTarget> socket;

 private:
  tlm::tlm_sync_enum forward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase, sc_core::sc_time&) {
    if (phase != tlm::BEGIN_REQ) return tlm::TLM_ACCEPTED;
    const auto tag = static_cast<std::uint32_t>(payloads_.size());
    payloads_.push_back(&payload);
    payload.acquire();
    hbm_.submit(hbm_.place_of(payload.get_address()), payload.get_data_length(), payload.is_write(), tag,
                now_cycle());
    rearm();
    phase = tlm::END_REQ;
    return tlm::TLM_UPDATED;
  }
  void serve() {
    const Cycle now = now_cycle();
    for (int channel = 0; channel < hbm_.channels(); ++channel)
      if (hbm_.due(channel) <= now)
        hbm_.serve(channel, now,
                   [this, now](std::uint32_t tag, Cycle at) { answer(*payloads_[tag], at - now); });
    rearm();
  }
  void answer(tlm::tlm_generic_payload& payload, Cycle after) {
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay = cycles(after);
    socket->nb_transport_bw(payload, phase, delay);
    payload.release();
  }
  void rearm() {
    Cycle next = kNever;
    for (int channel = 0; channel < hbm_.channels(); ++channel) next = std::min(next, hbm_.due(channel));
    if (next != kNever) due_.notify(cycles(std::max(next, now_cycle() + 1) - now_cycle()));
  }

  Hbm hbm_;
  sc_core::sc_event due_;
  std::vector<tlm::tlm_generic_payload*> payloads_;
};

/// An engine as a user would write one: its requests go out at their dates, and it notes their responses.
class Initiator : public sc_core::sc_module {
 public:
  struct Request {
    Cycle at;
    bool write;
    std::uint64_t address;
    std::vector<unsigned char> data;
  };
  Initiator(const sc_core::sc_module_name& name, std::vector<Request> requests, bool four_phases)
      : sc_module(name), socket("socket"), four_phases_(four_phases), requests_(std::move(requests)) {
    socket.register_nb_transport_bw(this, &Initiator::backward);
    SC_HAS_PROCESS(Initiator);
    SC_METHOD(send);
    SC_METHOD(end_response);
    sensitive << taken_;
    dont_initialize();
  }
  tlm_utils::simple_initiator_socket<Initiator> socket;

  /// By request: cycles from its date to its response (0: none), its data.
  void tell(std::ostream& out) const {
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      out << "latency." << i << " " << latency_[i] << "\nstatus." << i << " "
          << (payloads_[i]->is_response_ok() ? 1 : 0) << "\n";
      for (std::size_t b = 0; b < 4; ++b)
        out << "data." << i << "." << b << " " << int{requests_[i].data[b]} << "\n";
    }
  }

 private:
  void send() {
    const std::size_t i = payloads_.size();
    if (i == requests_.size()) return;
    if (now_cycle() < requests_[i].at) return next_trigger(cycles(requests_[i].at - now_cycle()));
    Request& request = requests_[i];
    auto& payload = *payloads_.emplace_back(std::make_unique<tlm::tlm_generic_payload>());
    latency_.push_back(0);
    payload.set_command(request.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    payload.set_address(request.address);
    payload.set_data_ptr(request.data.data());
    payload.set_data_length(static_cast<unsigned>(request.data.size()));
    payload.set_streaming_width(static_cast<unsigned>(request.data.size()));
    payload.set_byte_enable_ptr(nullptr);
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->nb_transport_fw(payload, phase, delay);
    next_trigger(cycles(0));
  }
  tlm::tlm_sync_enum backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase&, sc_core::sc_time& delay) {
    for (std::size_t i = 0; i < payloads_.size(); ++i)
      if (payloads_[i].get() == &payload) latency_[i] = now_cycle() + delay.value() - requests_[i].at;
    if (!four_phases_) return tlm::TLM_COMPLETED;
    responded_ = &payload;
    taken_.notify(cycles(5));
    return tlm::TLM_ACCEPTED;
  }
  void end_response() {
    tlm::tlm_phase phase = tlm::END_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->nb_transport_fw(*responded_, phase, delay);
  }

  bool four_phases_;
  std::vector<Request> requests_;
  std::vector<std::unique_ptr<tlm::tlm_generic_payload>> payloads_;
  std::vector<Cycle> latency_;
  tlm::tlm_generic_payload* responded_ = nullptr;
  sc_core::sc_event taken_;
};

Setup with(std::function<std::shared_ptr<sc_core::sc_module>(MemorySocket&)> bind,
           std::vector<std::string> overrides = {}) {
  Setup setup;
  setup.chip = load_chip("tiny", overrides);
  auto kept = std::make_shared<std::shared_ptr<sc_core::sc_module>>();
  setup.options.outside_memory = [bind, kept](MemorySocket& socket) { *kept = bind(socket); };
  return setup;
}

Setup fixed_memory(Cycle latency, Cycle gap, std::vector<std::string> overrides) {
  return with(
      [latency, gap](MemorySocket& socket) {
        auto memory = std::make_shared<FixedMemory>("outside", latency, gap);
        socket.socket.bind(memory->socket);
        return memory;
      },
      std::move(overrides));
}

/// Also an engine with these requests.
Setup with_engine(Setup setup, std::vector<Initiator::Request> requests, bool four_phases = false) {
  auto kept = std::make_shared<std::shared_ptr<Initiator>>();
  setup.options.outside_engine = [kept, requests, four_phases](EngineSocket& socket) {
    *kept = std::make_shared<Initiator>("initiator", requests, four_phases);
    (*kept)->socket.bind(socket.socket);
  };
  setup.tell = [kept](std::ostream& out) { (*kept)->tell(out); };
  return setup;
}

const std::vector<std::string> kAlone = {"pe.rows=1", "pe.columns=1", "sram.scratch_fraction=1"};  // no cache
constexpr const char* kNothing = ".core 0\nend\n";

}  // namespace

TEST_CASE("TLM: an engine's read and write take what a PE's would, and move the values") {
  std::vector<unsigned char> written(512, 7), read(512, 0);
  const Outcome o =
      run(program(kNothing),
          with_engine(fixed_memory(700, 1, kAlone), {{100, true, 4096, written}, {5000, false, 4096, read}}));
  // set-up, the port at 64 bytes a cycle, the target's latency; no hops from where PE 0 is
  CHECK(o["latency.1"] == 16 + 700 + 512 / 64);
  CHECK(o["latency.0"] == 16 + 512 / 64 + 700);
  CHECK(o["status.0"] == 1);
  CHECK(o["data.1.0"] == 7);
  CHECK(o["data.1.3"] == 7);
}

TEST_CASE("TLM: an engine that ends each response five cycles later gets the next one then") {
  const std::vector<unsigned char> some(64, 0);
  const std::vector<Initiator::Request> requests = {{100, false, 0, some}, {100, false, 64, some}};
  const auto at_once = run(program(kNothing), with_engine(fixed_memory(700, 1, kAlone), requests)),
             late = run(program(kNothing), with_engine(fixed_memory(700, 1, kAlone), requests, true));
  CHECK(late["latency.0"] == at_once["latency.0"]);
  CHECK(at_once["latency.1"] < at_once["latency.0"] + 5 + 16);
  CHECK(late["latency.1"] == std::max(at_once["latency.1"], at_once["latency.0"] + 5));
}

TEST_CASE("TLM: an engine's request outside of memory is answered with an address error") {
  Setup setup;
  const auto beyond = static_cast<std::uint64_t>(setup.chip.hbm.bytes) - 32;
  const std::vector<unsigned char> some(64, 0);
  const Outcome o = run(program(kNothing), with_engine(setup, {{100, false, beyond, some}}));
  CHECK(o["status.0"] == 0);
  CHECK(o["latency.0"] == 0);
}

TEST_CASE("TLM: an engine takes bandwidth from the program") {
  const isa::Program p = program(copy_text(0, 1 << 24, 64, 4096, 2));
  const auto time = [&](std::vector<Initiator::Request> requests) {
    return run(p,
               with_engine(fixed_memory(50, 40, {"sram.scratch_fraction=1"}), std::move(requests)))["cycles"];
  };
  std::vector<Initiator::Request> traffic;
  for (std::uint64_t i = 0; i < 128; ++i)
    traffic.push_back({2000 + i, false, (1u << 26) + i * 512, std::vector<unsigned char>(512)});
  CHECK(time(traffic) == doctest::Approx(double(time({})) + 128 * 40).epsilon(0.005));
}

TEST_CASE("TLM: a target bound to the memory socket takes Hbm's place") {
  const std::string text = ".core 0\nbuffer id=b0 base=0 bytes=512 depth=0\nset rd=r3 value=0\n" +
                           shape(10, {512, 1, 512, 1, 0, 512}) + "load dst=b0 address=r3 shape=r10 @1\nend\n";
  // set-up, the target's latency, the port at 64 bytes a cycle; no hops from PE 0
  const Outcome o = run(program(text), fixed_memory(700, 1, {"pe.rows=1", "pe.columns=1"}));
  CHECK(o.span(1) == 16 + 700 + 512 / 64);
  CHECK(o["hbm.read"] == 0);
}

TEST_CASE("TLM: the target's bandwidth is the program's") {
  const auto time = [](Cycle gap) {
    return run(program(copy_text(0, 1 << 24, 64, 4096, 2)),
               fixed_memory(50, gap, {"sram.scratch_fraction=1"}))["cycles"];
  };
  // 4 PEs x 64 tiles x 8 pieces of 512 bytes, read and written
  CHECK(double(time(40)) == doctest::Approx(4 * 64 * 8 * 2 * 40).epsilon(0.02));
  CHECK(double(time(80)) / double(time(40)) == doctest::Approx(2).epsilon(0.02));
}

TEST_CASE("TLM: Hbm behind the socket takes the same cycles as Hbm inside") {
  for (const char* scratch : {"sram.scratch_fraction=0.5", "sram.scratch_fraction=1"}) {
    const isa::Program p = program(copy_text(0, 1 << 24, 40, 3000, 3));
    Setup inside;
    inside.chip = load_chip("tiny", {scratch});
    const Setup outside = with(
        [](MemorySocket& socket) {
          auto memory = std::make_shared<HbmTarget>("outside", load_chip("tiny"));
          socket.socket.bind(memory->socket);
          return memory;
        },
        {scratch});
    CHECK(run(p, outside)["cycles"] == run(p, inside)["cycles"]);
  }
}

}  // namespace leto::model::test
