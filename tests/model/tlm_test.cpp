// The boundaries as TLM-2.0: a memory from outside takes Hbm's place, and Hbm behind a socket is still Hbm.
#include <doctest/doctest.h>

#include <tlm_utils/simple_target_socket.h>

#include "model/hbm/hbm.h"
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

}  // namespace

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
