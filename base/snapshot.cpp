#include "base/snapshot.h"

#include <sstream>

#include "base/errors.h"

namespace leto {

Snapshot Snapshot::saving(Write write) {
  Snapshot snapshot;
  snapshot.write_ = std::move(write);
  return snapshot;
}

Snapshot Snapshot::loading(Read read, std::uint64_t bytes) {
  Snapshot snapshot;
  snapshot.read_ = std::move(read);
  snapshot.left_ = bytes;
  return snapshot;
}

void Snapshot::bytes(std::span<std::byte> some) {
  if (some.empty()) return;
  if (!loads()) return write_(some);
  if (some.size() > left_)
    throw Error(ExitCode::bad_input, "the saved state ends too early", "start the run afresh");
  left_ -= some.size();
  read_(some);
}

// No element takes less than a byte: what does not fit into what is left is damage, and not allocated.
std::uint64_t Snapshot::size(std::uint64_t now) {
  part(now);
  if (loads() && now > left_)
    throw Error(ExitCode::bad_input,
                fmt::format("the saved state names {} elements, with {} bytes left", now, left_),
                "start the run afresh");
  return now;
}

void Snapshot::part(std::string& text) {
  const std::uint64_t count = size(text.size());
  if (loads()) text.resize(count);
  bytes(std::as_writable_bytes(std::span(text)));
}

// The standard's own text form.
void Snapshot::part(std::mt19937_64& random) {
  std::stringstream form;
  if (!loads()) form << random;
  std::string text = form.str();
  part(text);
  if (!loads()) return;
  form.str(text);
  form >> random;
}

}  // namespace leto
