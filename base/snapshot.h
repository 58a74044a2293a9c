// The state of a simulation, saved and loaded.
//
// A block says once what it is: state(Snapshot&) names every member that changes while the simulation runs.
// The same list saves and loads, so the two cannot come apart. What follows from program and chip alone is
// built anew and not named. Members may be plain records (copied byte by byte, so none may hold a pointer or
// a span), classes with a state() of their own, and the containers below of either.
//
// Bytes are the host's own: a snapshot is for the binary that made it (apps/host/checkpoint.h sees to that).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace leto {

class Snapshot {
 public:
  using Write = std::function<void(std::span<const std::byte>)>;
  using Read = std::function<void(std::span<std::byte>)>;
  /// Hands everything that it is shown to `write`.
  static Snapshot saving(Write write);
  /// Fills everything that it is shown from `read`, which has `bytes` in all. Error(bad_input) beyond them.
  static Snapshot loading(Read read, std::uint64_t bytes);

  bool loads() const { return read_ != nullptr; }

  template <class... Parts>
  void operator()(Parts&... parts) {
    (part(parts), ...);
  }
  /// Elements of a container whose default is no value: a new one starts as a copy of `blank`.
  template <class T>
  void elements(std::vector<T>& all, const T& blank) {
    const std::uint64_t count = size(all.size());
    if (loads()) all.assign(count, blank);
    for (T& one : all) part(one);
  }
  template <class T>
  void optional(std::optional<T>& maybe, const T& blank) {
    bool there = maybe.has_value();
    part(there);
    if (loads()) maybe = there ? std::optional<T>(blank) : std::nullopt;
    if (there) part(*maybe);
  }
  /// A number of elements: what it is when saving, what it was when loading.
  std::uint64_t size(std::uint64_t now);
  void bytes(std::span<std::byte> some);

 private:
  Snapshot() = default;

  template <class T>
  static constexpr bool kHasState = requires(T& one, Snapshot& s) {
    one.state(s);
  };
  template <class T>
  static constexpr bool kPlain = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !kHasState<T>;

  template <class T>
  void part(T& one) {
    if constexpr (kHasState<T>) {
      one.state(*this);
    } else {
      static_assert(kPlain<T>, "give it a state()");
      bytes(std::as_writable_bytes(std::span(&one, 1)));
    }
  }
  template <class T>
  void each(T& all) {
    using Element = typename T::value_type;
    if constexpr (kPlain<Element> && requires { all.data(); })
      bytes(std::as_writable_bytes(std::span(all)));
    else
      for (auto& one : all) part(one);
  }
  template <class T>
  void part(std::vector<T>& all) {
    const std::uint64_t count = size(all.size());
    if (loads()) all.resize(count);
    each(all);
  }
  template <class T>
  void part(std::deque<T>& all) {
    const std::uint64_t count = size(all.size());
    if (loads()) all.resize(count);
    each(all);
  }
  template <class T, std::size_t N>
  void part(std::array<T, N>& all) {
    each(all);
  }
  void part(std::string& text);
  template <class T>
  void part(std::optional<T>& maybe) {
    optional(maybe, T{});
  }
  template <class Key, class Value>
  void part(std::map<Key, Value>& all) {
    const std::uint64_t count = size(all.size());
    if (!loads()) {
      for (auto& [key, value] : all) {
        Key name = key;
        part(name);
        part(value);
      }
      return;
    }
    all.clear();
    for (std::uint64_t i = 0; i < count; ++i) {
      Key name{};
      part(name);
      part(all[std::move(name)]);
    }
  }
  template <class A, class B>
  void part(std::pair<A, B>& both) {
    part(both.first);
    part(both.second);
  }
  void part(std::mt19937_64& random);

  Write write_;
  Read read_;
  std::uint64_t left_ = 0;
};

}  // namespace leto
