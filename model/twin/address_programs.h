// Random transfers of all PEs of a chip through the fabric, whose pieces the twins of address generators see.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <random>

#include "model/fabric/fabric.h"
#include "model/twin/address_twin.h"

namespace leto::model {

/// Makes another block in the place of rtl/'s.
using MakeBlock = std::function<std::unique_ptr<rtl::Block>()>;

inline constexpr int kCheckedPe = 1;  // and the one after it

/// Which transfers: ordinary ones, or also such that come to the limits of sizes, addresses and strides.
enum class Sizes { ordinary, any };

/// Submits transfers to a fabric as PEs do, in bursts and after pauses: stores, loads, multicasts that all
/// members submit, rows that touch or do not, runs by index. The PEs with a twin see what is cut. Counts what
/// kinds came.
class AddressPrograms : public Process, private TransferClient, private IssueWatch {
 public:
  AddressPrograms(Kernel& kernel, const ChipConfig& chip, std::uint64_t seed, int transfers, Sizes sizes);

  /// Both directions of `pe`.
  void check(int pe, const TwinSpec& spec, std::uint64_t seed, const MakeBlock& block = nullptr);

  std::map<std::string, int> arms;
  int shown = 0;                                                       // transfers to a twin
  std::map<std::pair<int, bool>, std::unique_ptr<AddressTwin>> twins;  // by PE and direction

 private:
  void step(Cycle now) override;

  std::size_t below(std::size_t n) { return random_() % n; }
  void note(const std::string& arm) { ++arms[arm]; }

  static constexpr std::int64_t kRegion = 1 << 16;  // of memory that a transfer stays in
  std::uint64_t place();
  std::uint64_t far_place();

  static constexpr std::size_t kMostBits = 24;  // a command moves up to 2^24 bytes
  std::int64_t up_to_bits(std::size_t bits);
  isa::Transfer long_shape();
  isa::Transfer many_rows();
  isa::Transfer far_strides();
  isa::Transfer any_shape();
  std::vector<isa::Run> some_runs();
  isa::Transfer shape();
  void submit(int pe, bool store, isa::Multicast multicast, const AddressRun& run, std::int64_t rate);
  std::int64_t some_rate(std::int64_t bytes);
  AddressRun described(bool store);
  void single(int pe);

  static std::int64_t bytes_of(const AddressRun& run);
  void meet();
  void transfer_done(bool, std::uint64_t, Cycle, Cycle) override {}
  void cut(int pe, const Cut& cut) override;

  const ChipConfig chip_;
  const Sizes sizes_;
  const isa::Program program_;
  int left_;
  std::mt19937_64 random_;
  std::vector<std::uint64_t> sequences_;
  std::deque<std::vector<isa::Run>> lists_;
  Fabric fabric_;
};

}  // namespace leto::model
