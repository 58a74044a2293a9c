#include "model/tlm/engine_socket.h"

namespace leto::model {

EngineSocket::EngineSocket(const sc_core::sc_module_name& name, Kernel& kernel, Fabric& fabric,
                           const ChipConfig& chip, isa::Memory* memory)
    : sc_module(name), socket("socket"), fabric_(fabric), chip_(chip), memory_(memory) {
  socket.register_nb_transport_fw(this, &EngineSocket::forward);
  SC_HAS_PROCESS(EngineSocket);
  SC_METHOD(respond);
  sensitive << due_;
  dont_initialize();
  fabric.connect(chip.pes(), *this);
  kernel.keep_pace();
}

tlm::tlm_sync_enum EngineSocket::forward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                         sc_core::sc_time& delay) {
  if (phase == tlm::END_RESP) {
    responding_ = nullptr;
    due_.notify(delay);
    return tlm::TLM_COMPLETED;
  }
  if (!acceptable(payload)) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return tlm::TLM_COMPLETED;
  }
  submit(payload);
  phase = tlm::END_REQ;
  return tlm::TLM_UPDATED;
}

bool EngineSocket::acceptable(const tlm::tlm_generic_payload& payload) const {
  const std::uint64_t address = payload.get_address(), bytes = payload.get_data_length();
  const bool scratch = address >= isa::kSramBase;
  const auto size = static_cast<std::uint64_t>(scratch ? scratch_bytes(chip_.sram) : chip_.hbm.bytes);
  const std::uint64_t offset = scratch ? address - isa::kSramBase : address;
  return (payload.is_read() || payload.is_write()) && bytes != 0 && offset < size && bytes <= size - offset &&
         payload.get_byte_enable_ptr() == nullptr && payload.get_streaming_width() >= bytes;
}

void EngineSocket::submit(tlm::tlm_generic_payload& payload) {
  if (payload.has_mm()) payload.acquire();
  const std::size_t direction = payload.is_write() ? 1 : 0;
  const std::uint64_t sequence = next_sequence_[direction]++;
  Request& request = requests_[direction][sequence];
  request = {&payload, {isa::Run{payload.get_address(), payload.get_data_length()}}};
  Transfer transfer;
  transfer.pe = chip_.pes();
  transfer.store = payload.is_write();
  transfer.runs = isa::Runs(request.run);
  transfer.rate = chip_.fabric_interface.bytes_per_cycle;
  transfer.sequence = sequence;
  fabric_.submit(transfer, now_cycle());
}

void EngineSocket::transfer_done(bool store, std::uint64_t sequence, Cycle at, Cycle) {
  auto request = requests_[store ? 1 : 0].extract(sequence);
  responses_.emplace(at, request.mapped().payload);
  due_.notify(cycles(responses_.begin()->first - now_cycle()));
}

void EngineSocket::respond() {
  const Cycle now = now_cycle();
  while (responding_ == nullptr && !responses_.empty() && responses_.begin()->first <= now) {
    tlm::tlm_generic_payload& payload = *responses_.begin()->second;
    responses_.erase(responses_.begin());
    move_data(payload);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    responding_ = &payload;
    const tlm::tlm_sync_enum status = socket->nb_transport_bw(payload, phase, delay);
    if (status == tlm::TLM_COMPLETED || (status == tlm::TLM_UPDATED && phase == tlm::END_RESP))
      responding_ = nullptr;
    if (payload.has_mm()) payload.release();
  }
  if (responding_ == nullptr && !responses_.empty()) due_.notify(cycles(responses_.begin()->first - now));
}

void EngineSocket::move_data(tlm::tlm_generic_payload& payload) {
  if (memory_ == nullptr) return;
  auto* bytes = reinterpret_cast<std::byte*>(payload.get_data_ptr());
  if (payload.is_read())
    memory_->read(payload.get_address(), bytes, payload.get_data_length());
  else
    memory_->write(payload.get_address(), bytes, payload.get_data_length());
}

}  // namespace leto::model
