#include "model/kernel/process.h"

namespace leto::model {

void Process::activate(Cycle now) {
  pending_ = kNever;
  try {
    step(now);
  } catch (...) {
    kernel_.failure = std::current_exception();
  }
}

}  // namespace leto::model
