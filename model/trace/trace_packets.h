// The packets of a Perfetto trace that Leto writes. Field numbers: perfetto/trace/*.proto of the Perfetto
// project (TracePacket, TrackDescriptor, TrackEvent, InternedData), which are stable by their own rule.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "model/kernel/time.h"
#include "model/trace/proto_writer.h"

namespace leto::model {

/// Writes packets to a file that is there as a whole or not at all, through a buffer of fixed size.
class TracePackets {
 public:
  explicit TracePackets(const std::filesystem::path& path) : file_(path) {}

  /// Comes first: what events refer to by number, from 1 on, in the order given.
  void dictionary(const std::vector<std::string>& names, const std::vector<std::string>& categories);
  /// A group of tracks.
  void process(std::uint64_t track, int pid, std::string_view name);
  void lane(std::uint64_t track, std::uint64_t group, std::string_view name);
  void counter(std::uint64_t track, std::uint64_t group, std::string_view name, std::string_view unit);

  void begin(std::uint64_t track, Cycle at, std::size_t name, std::size_t category,
             std::size_t other_category);
  void end(std::uint64_t track, Cycle at);
  void count(std::uint64_t track, Cycle at, std::uint64_t value);

  std::uint64_t bytes() const { return flushed_ + buffer_.bytes().size(); }
  void publish();

 private:
  void event(Cycle at);
  void packet();
  void flush();

  StreamedFile file_;
  std::uint64_t flushed_ = 0;
  ProtoWriter buffer_;          // whole packets
  ProtoWriter packet_, inner_;  // the one being made
};

}  // namespace leto::model
