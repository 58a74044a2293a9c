// A block that others wrote, as a run takes it: --twin 'INSTANCE=check:block=FILE.toml' (docs/foreign.md).
#pragma once

#include <memory>
#include <string>

#include "model/twin/stream_checker.h"
#include "rtl/foreign.h"

namespace leto::model {

class ForeignTwin {
 public:
  virtual ~ForeignTwin() = default;

  const std::string& descriptor() const { return descriptor_; }  // its file, as it was given
  const std::string& module() const { return module_; }          // its top module
  const StreamSpec& stream() const { return stream_; }           // its level, and how it is spoken to
  const std::string& block() const { return stream_.block; }     // whose contract: a folder of rtl/
  bool by_cycle() const { return stream_.level == CompareLevel::cycle; }

  /// Another instance. The first one builds the block: seconds.
  virtual std::unique_ptr<rtl::ForeignBlock> load() const = 0;
  /// Of the descriptor, its SystemVerilog and its parameters. Builds the block too.
  virtual std::uint64_t hash() const = 0;

 protected:
  ForeignTwin(std::string descriptor, std::string module, StreamSpec stream)
      : descriptor_(std::move(descriptor)), module_(std::move(module)), stream_(std::move(stream)) {}

 private:
  std::string descriptor_, module_;
  StreamSpec stream_;
};

std::string_view name_of(CompareLevel level);

/// What stands in the place of rtl/'s block in lock-step; null: rtl/'s own.
std::unique_ptr<rtl::Block> block_in_lock_step(const TwinSpec& spec);

}  // namespace leto::model
