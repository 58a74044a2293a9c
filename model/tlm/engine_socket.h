// The boundary between engines and fabric as a TLM-2.0 target socket: an initiator of the base protocol that
// is bound here (a host's DMA engine, a foreign PE) takes part in the chip's traffic.
// tests/model/tlm_test.cpp has one.
//
// It has a fabric interface of its own, as wide and deep as a PE's, at the router of PE 0. A request is a
// generic payload: an address as in a program (isa::kSramBase and above: shared SRAM), any number of bytes
// inside one memory, read or write. It is taken at once (END_REQ); its response comes when the last byte is
// there, or memory has accepted it. With values on, the data pointer's bytes are read and written then; races
// with the program's own accesses are not looked for. Time is in the simulation's unit, one sc_time step a PE
// cycle.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <deque>
#include <map>

#include "arch/chip_config.h"
#include "isa/machine.h"
#include "model/fabric/fabric.h"
#include "model/kernel/kernel.h"

namespace leto::model {

class EngineSocket : public sc_core::sc_module, private TransferClient {
 public:
  /// `memory`: where the values are; null: payloads carry time only.
  EngineSocket(const sc_core::sc_module_name& name, Kernel& kernel, Fabric& fabric, const ChipConfig& chip,
               isa::Memory* memory);

  tlm_utils::simple_target_socket<EngineSocket> socket;

 private:
  struct Request {
    tlm::tlm_generic_payload* payload;
    std::array<isa::Run, 1> run;  // the fabric refers to it
  };
  using Requests = std::map<std::uint64_t, Request>;  // under way, by sequence

  tlm::tlm_sync_enum forward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay);
  bool acceptable(const tlm::tlm_generic_payload& payload) const;
  void submit(tlm::tlm_generic_payload& payload);
  void transfer_done(bool store, std::uint64_t sequence, Cycle at, Cycle gathered) override;
  void respond();
  void move_data(tlm::tlm_generic_payload& payload);

  Fabric& fabric_;
  const ChipConfig& chip_;
  isa::Memory* memory_;
  std::array<Requests, 2> requests_;  // reads, writes
  std::array<std::uint64_t, 2> next_sequence_{};
  std::multimap<Cycle, tlm::tlm_generic_payload*> responses_;  // by date
  tlm::tlm_generic_payload* responding_ = nullptr;             // sent, END_RESP has not come
  sc_core::sc_event due_;
};

}  // namespace leto::model
