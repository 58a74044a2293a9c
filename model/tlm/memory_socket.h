// The boundary between fabric and device memory as a TLM-2.0 initiator socket: any target of the base
// protocol that is bound here takes the place of Hbm. tests/model/tlm_test.cpp has two: a memory of fixed
// latency, and Hbm itself behind a socket.
//
// A request is a generic payload: an address of device memory, whole bursts of one interleave block, read or
// write. Time is in the simulation's unit, one sc_time step a PE cycle (model/kernel/time.h: cycles()).
// Payloads carry time only: values live in isa::Memory, so the data pointer leads to bytes without meaning.
// Requests obey the exclusion rule: the next one goes out when END_REQ, or a response, has come.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <deque>

#include "model/kernel/kernel.h"
#include "model/tlm/payload_pool.h"

namespace leto::model {

class MemorySocket : public sc_core::sc_module {
 public:
  class Client {
   public:
    virtual ~Client() = default;
    /// The request's last byte is there (read), or it is accepted (write), at `at`: now or later.
    virtual void answered(std::uint32_t tag, Cycle at) = 0;
  };

  /// `most_bytes`: of a request.
  MemorySocket(const sc_core::sc_module_name& name, Kernel& kernel, std::int64_t most_bytes, Client& client);

  tlm_utils::simple_initiator_socket<MemorySocket> socket;

  void submit(std::uint64_t address, std::int64_t bytes, bool write, std::uint32_t tag);

 private:
  struct Tag : tlm::tlm_extension<Tag> {
    std::uint32_t tag = 0;
    tlm::tlm_extension_base* clone() const override { return new Tag(*this); }
    void copy_from(const tlm::tlm_extension_base& other) override { *this = static_cast<const Tag&>(other); }
  };

  tlm::tlm_sync_enum backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                              sc_core::sc_time& delay);
  void send();
  void answer(tlm::tlm_generic_payload& payload, const sc_core::sc_time& delay);

  Kernel& kernel_;
  Client& client_;
  PayloadPool<Tag> pool_;
  std::deque<tlm::tlm_generic_payload*> waiting_;
  tlm::tlm_generic_payload* requested_ = nullptr;  // sent, END_REQ has not come
  sc_core::sc_event next_;
  std::vector<unsigned char> data_;
};

}  // namespace leto::model
