// Reads a trace back from its bytes alone, with a decoder of its own: tracks, slices, counts.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace leto::model::test {

/// A message as field number -> values; numbers as they are, texts and messages as bytes.
struct Message {
  std::multimap<int, std::uint64_t> numbers;
  std::multimap<int, std::string_view> texts;

  explicit Message(std::string_view bytes) {
    std::size_t at = 0;
    const auto varint = [&] {
      std::uint64_t value = 0;
      for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.at(at++));
        value |= std::uint64_t{byte & 0x7fu} << shift;
        if (byte < 0x80) return value;
      }
    };
    while (at < bytes.size()) {
      const std::uint64_t key = varint(), value = varint();
      if (key % 8 == 0) {
        numbers.emplace(static_cast<int>(key / 8), value);
      } else if (key % 8 == 2) {
        if (at + value > bytes.size()) throw std::runtime_error("a field reaches past its message");
        texts.emplace(static_cast<int>(key / 8), bytes.substr(at, value));
        at += value;
      } else {
        throw std::runtime_error("unexpected wire type");
      }
    }
  }
  bool has(int field) const { return numbers.contains(field) || texts.contains(field); }
  std::uint64_t number(int field) const {
    const auto found = numbers.find(field);
    return found == numbers.end() ? 0 : found->second;
  }
  std::string text(int field) const {
    const auto found = texts.find(field);
    return found == texts.end() ? "" : std::string(found->second);
  }
};

struct TraceSlice {
  std::uint64_t from, to;
  std::string name, state, phase;
};

struct TraceTrack {
  std::string name, group;
  std::vector<TraceSlice> slices;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> counts;  // at, value
};

class TraceReader {
 public:
  explicit TraceReader(std::string_view bytes) {
    const Message file(bytes);
    for (auto [it, end] = file.texts.equal_range(1); it != end; ++it) packet(Message(it->second));
    for (const auto& [id, open] : open_)
      if (open) throw std::runtime_error("a slice of " + tracks[id].name + " never ends");
  }

  std::map<std::uint64_t, TraceTrack> tracks;

 private:
  void packet(const Message& p) {
    if (p.has(12)) dictionary(Message(p.texts.find(12)->second));
    if (p.has(60)) track(Message(p.texts.find(60)->second));
    if (p.has(11)) event(p.number(8), Message(p.texts.find(11)->second));
  }
  static void entries(const Message& from, int field, std::map<std::uint64_t, std::string>& to) {
    for (auto [it, end] = from.texts.equal_range(field); it != end; ++it) {
      const Message entry(it->second);
      to[entry.number(1)] = entry.text(2);
    }
  }
  void dictionary(const Message& m) {
    entries(m, 1, categories_);
    entries(m, 2, names_);
  }
  void track(const Message& m) {
    TraceTrack& made = tracks[m.number(1)];
    made.name = m.has(3) ? Message(m.texts.find(3)->second).text(6) : m.text(2);
    if (m.has(5)) made.group = tracks.at(m.number(5)).name;
  }
  void event(std::uint64_t at, const Message& e) {
    const std::uint64_t id = e.number(11);
    TraceTrack& on = tracks.at(id);
    if (e.number(9) == 1) {
      if (open_[id]) throw std::runtime_error("a slice begins in another");
      std::vector<std::string> categories;
      for (auto [it, end] = e.numbers.equal_range(3); it != end; ++it)
        categories.push_back(categories_.at(it->second));
      categories.resize(2);
      on.slices.push_back({at, at, names_.at(e.number(10)), categories[0], categories[1]});
    } else if (e.number(9) == 2) {
      if (!open_[id]) throw std::runtime_error("an end without a begin");
      on.slices.back().to = at;
    } else {
      on.counts.emplace_back(at, e.number(30));
    }
    if (e.number(9) != 4) open_[id] = e.number(9) == 1;
  }

  std::map<std::uint64_t, std::string> names_, categories_;
  std::map<std::uint64_t, bool> open_;
};

}  // namespace leto::model::test
