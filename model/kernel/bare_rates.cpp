#include "model/kernel/bare_rates.h"

#include <chrono>
#include <systemc>

namespace leto::model {
namespace {

/// A ball between two processes, a time unit in the air each way; `left` counts down over both.
class PingPong : public sc_core::sc_module {
 public:
  PingPong(const sc_core::sc_module_name& name, std::uint64_t count, bool threads)
      : sc_module(name), left_(count) {
    SC_HAS_PROCESS(PingPong);
    if (threads) {
      SC_THREAD(ping_thread);
      SC_THREAD(pong_thread);
      return;
    }
    SC_METHOD(ping);
    sensitive << to_ping_;
    dont_initialize();
    SC_METHOD(pong);
    sensitive << to_pong_;
    dont_initialize();
  }
  void serve() { to_ping_.notify(kFlight); }

 private:
  static inline const sc_core::sc_time kFlight = sc_core::sc_time::from_value(1);

  void strike(sc_core::sc_event& to) {
    if (left_ == 0) return;
    --left_;
    to.notify(kFlight);
  }
  void ping() { strike(to_pong_); }
  void pong() { strike(to_ping_); }
  void ping_thread() {
    for (;;) {
      wait(to_ping_);
      ping();
    }
  }
  void pong_thread() {
    for (;;) {
      wait(to_pong_);
      pong();
    }
  }

  std::uint64_t left_;
  sc_core::sc_event to_ping_, to_pong_;
};

double rate(PingPong& game, std::uint64_t count) {
  const auto begin = std::chrono::steady_clock::now();
  game.serve();
  sc_core::sc_start();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(count) / took.count();
}

}  // namespace

BareRates measure_bare_rates(std::uint64_t count) {
  PingPong threads("threads", count, true), methods("methods", count, false);
  sc_core::sc_start(sc_core::SC_ZERO_TIME);  // every thread waits for its first ball
  const double thread_rate = rate(threads, count);
  return {thread_rate, rate(methods, count)};
}

}  // namespace leto::model
