#include "model/trace/trace_packets.h"

namespace leto::model {
namespace {

// Fields by message.
namespace trace {
constexpr int kPacket = 1;
}
namespace trace_packet {
constexpr int kTimestamp = 8, kSequence = 10, kTrackEvent = 11, kInternedData = 12, kSequenceFlags = 13,
              kTrackDescriptor = 60;
}
namespace interned_data {
constexpr int kCategories = 1, kNames = 2;
constexpr int kNumber = 1, kText = 2;  // of an entry
}  // namespace interned_data
namespace track_descriptor {
constexpr int kUuid = 1, kName = 2, kProcess = 3, kParent = 5, kCounter = 8;
}
namespace process_descriptor {
constexpr int kPid = 1, kName = 6;
}
namespace counter_descriptor {
constexpr int kUnitName = 6;
}
namespace track_event {
constexpr int kCategory = 3, kType = 9, kName = 10, kTrack = 11, kCounterValue = 30;
constexpr std::uint64_t kBegin = 1, kEnd = 2, kCounter = 4;
}  // namespace track_event

constexpr std::uint64_t kSequence = 1;     // one writer
constexpr std::uint64_t kStartsState = 1;  // this packet starts the dictionary
constexpr std::uint64_t kNeedsState = 2;   // this one uses it
constexpr std::size_t kBufferBytes = 1 << 16;

void entries(ProtoWriter& out, int field, const std::vector<std::string>& texts) {
  ProtoWriter entry;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    entry.clear();
    entry.number(interned_data::kNumber, i + 1);
    entry.text(interned_data::kText, texts[i]);
    out.message(field, entry);
  }
}

}  // namespace

void TracePackets::dictionary(const std::vector<std::string>& names,
                              const std::vector<std::string>& categories) {
  inner_.clear();
  entries(inner_, interned_data::kCategories, categories);
  entries(inner_, interned_data::kNames, names);
  packet_.clear();
  packet_.number(trace_packet::kSequence, kSequence);
  packet_.number(trace_packet::kSequenceFlags, kStartsState);
  packet_.message(trace_packet::kInternedData, inner_);
  packet();
}

void TracePackets::process(std::uint64_t track, int pid, std::string_view name) {
  ProtoWriter process;
  process.number(process_descriptor::kPid, static_cast<std::uint64_t>(pid));
  process.text(process_descriptor::kName, name);
  inner_.clear();
  inner_.number(track_descriptor::kUuid, track);
  inner_.message(track_descriptor::kProcess, process);
  packet_.clear();
  packet_.message(trace_packet::kTrackDescriptor, inner_);
  packet();
}

void TracePackets::lane(std::uint64_t track, std::uint64_t group, std::string_view name) {
  inner_.clear();
  inner_.number(track_descriptor::kUuid, track);
  inner_.text(track_descriptor::kName, name);
  inner_.number(track_descriptor::kParent, group);
  packet_.clear();
  packet_.message(trace_packet::kTrackDescriptor, inner_);
  packet();
}

void TracePackets::counter(std::uint64_t track, std::uint64_t group, std::string_view name,
                           std::string_view unit) {
  ProtoWriter counter;
  counter.text(counter_descriptor::kUnitName, unit);
  inner_.clear();
  inner_.number(track_descriptor::kUuid, track);
  inner_.text(track_descriptor::kName, name);
  inner_.number(track_descriptor::kParent, group);
  inner_.message(track_descriptor::kCounter, counter);
  packet_.clear();
  packet_.message(trace_packet::kTrackDescriptor, inner_);
  packet();
}

void TracePackets::begin(std::uint64_t track, Cycle at, std::size_t name, std::size_t category,
                         std::size_t other_category) {
  inner_.clear();
  inner_.number(track_event::kType, track_event::kBegin);
  inner_.number(track_event::kTrack, track);
  inner_.number(track_event::kName, name);
  inner_.number(track_event::kCategory, category);
  if (other_category != 0) inner_.number(track_event::kCategory, other_category);
  event(at);
}

void TracePackets::end(std::uint64_t track, Cycle at) {
  inner_.clear();
  inner_.number(track_event::kType, track_event::kEnd);
  inner_.number(track_event::kTrack, track);
  event(at);
}

void TracePackets::count(std::uint64_t track, Cycle at, std::uint64_t value) {
  inner_.clear();
  inner_.number(track_event::kType, track_event::kCounter);
  inner_.number(track_event::kTrack, track);
  inner_.number(track_event::kCounterValue, value);
  event(at);
}

void TracePackets::event(Cycle at) {
  packet_.clear();
  packet_.number(trace_packet::kTimestamp, at);
  packet_.number(trace_packet::kSequence, kSequence);
  packet_.number(trace_packet::kSequenceFlags, kNeedsState);
  packet_.message(trace_packet::kTrackEvent, inner_);
  packet();
}

void TracePackets::packet() {
  buffer_.message(trace::kPacket, packet_);
  if (buffer_.bytes().size() >= kBufferBytes) flush();
}

void TracePackets::flush() {
  file_.write(std::as_bytes(std::span(buffer_.bytes())));
  flushed_ += buffer_.bytes().size();
  buffer_.clear();
}

void TracePackets::publish() {
  flush();
  file_.publish();
}

}  // namespace leto::model
