// Generic payloads that go out and come back, recycled: TLM-2.0 wants a memory manager on its phases.
#pragma once

#include <memory>
#include <tlm>
#include <vector>

namespace leto::model {

/// Payloads that carry an extension of type `Extension` each, for as long as they live.
template <class Extension>
class PayloadPool : public tlm::tlm_mm_interface {
 public:
  PayloadPool() = default;
  PayloadPool(const PayloadPool&) = delete;  // the payloads refer to it

  /// A payload with one reference; the last release() brings it back.
  tlm::tlm_generic_payload& take() {
    if (unused_.empty()) {
      payloads_.push_back(std::make_unique<tlm::tlm_generic_payload>(this));
      payloads_.back()->set_extension(new Extension);  // the payload deletes it
      unused_.push_back(payloads_.back().get());
    }
    tlm::tlm_generic_payload& payload = *unused_.back();
    unused_.pop_back();
    payload.acquire();
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    payload.set_byte_enable_ptr(nullptr);
    payload.set_dmi_allowed(false);
    return payload;
  }
  void free(tlm::tlm_generic_payload* payload) override { unused_.push_back(payload); }

 private:
  std::vector<std::unique_ptr<tlm::tlm_generic_payload>> payloads_;
  std::vector<tlm::tlm_generic_payload*> unused_;
};

}  // namespace leto::model
