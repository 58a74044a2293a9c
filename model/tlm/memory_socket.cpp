#include "model/tlm/memory_socket.h"

#include "base/errors.h"

namespace leto::model {

MemorySocket::MemorySocket(const sc_core::sc_module_name& name, Kernel& kernel, std::int64_t most_bytes,
                           Client& client)
    : sc_module(name),
      socket("socket"),
      kernel_(kernel),
      client_(client),
      data_(static_cast<std::size_t>(most_bytes)) {
  socket.register_nb_transport_bw(this, &MemorySocket::backward);
  SC_HAS_PROCESS(MemorySocket);
  SC_METHOD(send);
  sensitive << next_;
  dont_initialize();
  kernel.keep_pace();
}

void MemorySocket::submit(std::uint64_t address, std::int64_t bytes, bool write, std::uint32_t tag) {
  tlm::tlm_generic_payload& payload = pool_.take();
  payload.get_extension<Tag>()->tag = tag;
  payload.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  payload.set_address(address);
  payload.set_data_length(static_cast<unsigned>(bytes));
  payload.set_streaming_width(static_cast<unsigned>(bytes));
  payload.set_data_ptr(data_.data());
  waiting_.push_back(&payload);
  send();
}

void MemorySocket::send() {
  while (!requested_ && !waiting_.empty()) {
    tlm::tlm_generic_payload& payload = *waiting_.front();
    waiting_.pop_front();
    requested_ = &payload;
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    const tlm::tlm_sync_enum status = socket->nb_transport_fw(payload, phase, delay);
    if (status == tlm::TLM_COMPLETED || (status == tlm::TLM_UPDATED && phase == tlm::BEGIN_RESP))
      answer(payload, delay);
    else if (status == tlm::TLM_UPDATED && phase == tlm::END_REQ)
      requested_ = nullptr;
  }
}

tlm::tlm_sync_enum MemorySocket::backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                          sc_core::sc_time& delay) {
  if (requested_ == &payload) {  // END_REQ, or a response that stands for it
    requested_ = nullptr;
    if (!waiting_.empty()) next_.notify(delay);
  }
  if (phase != tlm::BEGIN_RESP) return tlm::TLM_ACCEPTED;
  answer(payload, delay);
  return tlm::TLM_COMPLETED;
}

void MemorySocket::answer(tlm::tlm_generic_payload& payload, const sc_core::sc_time& delay) {
  if (requested_ == &payload) requested_ = nullptr;
  if (payload.is_response_error())
    kernel_.failure =
        std::make_exception_ptr(Error(ExitCode::illegal_program,
                                      fmt::format("the memory target answers {:#x} with {}",
                                                  payload.get_address(), payload.get_response_string()),
                                      "bind a target that covers all of hbm.bytes and sets TLM_OK_RESPONSE"));
  const std::uint32_t tag = payload.get_extension<Tag>()->tag;
  payload.release();
  client_.answered(tag, now_cycle() + delay.value());
}

}  // namespace leto::model
