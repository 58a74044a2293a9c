#include "model/twin/stream_checker.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "base/errors.h"
#include "model/twin/packed_pins.h"

namespace leto::model {
namespace {

constexpr const char* kBeyond =
    "beats beyond the command's: all of its own have come, and the next one is not taken";
const Story kBefore = {"no command", kForNone, "beats before the first command is taken", ""};

constexpr int kSettle = 64;  // cycles after the last command in which nothing may come

/// The elements of a channel that pass at once.
struct Beat {
  std::size_t first, count;
  std::uint64_t index;  // in beats or elements, as the contract says
  bool last;
};

/// "3", "3 to 5", or "3, 5, 8 to 9".
std::string ranges(const std::vector<std::size_t>& numbers) {
  std::string all;
  for (std::size_t i = 0, end = 0; i < numbers.size(); i = end + 1) {
    for (end = i; end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1;) ++end;
    all += fmt::format("{}{}", all.empty() ? "" : ", ", numbers[i]);
    if (end > i) all += fmt::format(" to {}", numbers[end]);
  }
  return all;
}

}  // namespace

/// A channel into the block: a stream, or a memory that it reads.
struct StreamChecker::Source {
  const StreamChannel* channel;
  const Flow* flow;
  std::size_t lanes = 0;
  int width = 32;  // bits of a lane
  std::vector<Beat> beats;
  std::vector<std::uint32_t> memory;  // not empty: it is one
  int delay = 0;
  bool by_element = false;        // an index counts elements, else beats
  std::deque<std::size_t> asked;  // indices whose data is due
  std::size_t at = 0;             // the next beat
  bool waits = false;             // one stands at the block and stays

  bool ended() const { return !memory.empty() || at == beats.size(); }
  std::size_t row_beats() const { return (flow->pitch + lanes - 1) / lanes; }
  /// The first element behind an index, as the memory lies.
  std::size_t address(std::size_t index) const {
    if (by_element) return index;
    return index / row_beats() * flow->pitch + index % row_beats() * lanes;
  }
};

/// A channel out of the block.
struct StreamChecker::Sink : Source {
  std::vector<std::uint32_t> held;  // the beat that waits
};

StreamChecker::StreamChecker(std::unique_ptr<rtl::ForeignBlock> block, const StreamSpec& stream,
                             const TwinSpec& spec, const std::string& instance, std::uint64_t seed)
    : block_(std::move(block)),
      stream_(stream),
      contract_(*stream_contract(stream.block)),
      comparison_(spec, instance, seed) {
  restart();
}

StreamChecker::~StreamChecker() = default;

void StreamChecker::restart() {
  block_->reset();
  random_.seed(comparison_.seed());
  now_ = 0;
  last_ = kBefore;
}

std::vector<std::string> StreamChecker::signals(const StreamSpec& stream) {
  const StreamContract& contract = *stream_contract(stream.block);
  std::vector<std::string> all;
  const auto add = [&](int pin) {
    const std::string name(contract.pins[static_cast<std::size_t>(pin)].port.name);
    if (stream.has(name)) all.push_back(name);
  };
  for (const StreamChannel& channel : contract.channels) {
    if (channel.input) continue;
    for (const int pin :
         {channel.valid, channel.data, channel.last, channel.keep, channel.count, channel.index})
      if (pin > 0) add(pin);
    for (std::size_t i = 0; i < channel.fields.size(); ++i) add(channel.first_field + static_cast<int>(i));
  }
  return all;
}

void StreamChecker::refuse(const std::string& cause, const std::string& remedy) const {
  throw Error(ExitCode::bad_input, fmt::format("{}: {}", stream_.place, cause), remedy);
}

// Cuts a flow into the beats of a channel.
void StreamChecker::lay(const StreamChannel& channel, const Flow& flow, Source& source) const {
  const ChannelSpec spec = stream_.channel(channel.name);
  source.channel = &channel;
  source.flow = &flow;
  source.delay = spec.delay;
  source.by_element = spec.by_element;
  if (channel.lane == 0) {
    source.beats = {{0, 1, 0, true}};
    return;
  }
  source.width = spec.dense ? 8 * size_of(flow.type) : spec.lane > 0 ? spec.lane : channel.lane;
  source.lanes = static_cast<std::size_t>(block_->joined(channel.data) / source.width);
  if (source.lanes == 0 || source.width < 8 * size_of(flow.type))
    refuse(fmt::format("{0}_data has {1} bits joined, and a lane of {2} for an element of {3}", channel.name,
                       block_->joined(channel.data), source.width, name_of(flow.type)),
           fmt::format(
               "join {0}_data, give its lane under [channels], or leave out what needs it ([operations], "
               "[types])",
               channel.name));
  if (spec.beat > 0) source.lanes = std::min(source.lanes, static_cast<std::size_t>(spec.beat));
  const std::size_t all = flow.elements.size();
  std::size_t at = 0;
  for (const Flow::Row& row : flow.rows) {
    const std::size_t begin = at, end = spec.joined ? all : row.end;
    for (; at < end; at += std::min(source.lanes, end - at)) {
      const std::size_t address = row.address + (at - begin);
      const std::size_t beat =
          address / flow.pitch * source.row_beats() + address % flow.pitch / source.lanes;
      const std::size_t count = std::min(source.lanes, end - at);
      source.beats.push_back({at, count, source.by_element ? address : beat,
                              at + count == all || (spec.row_last && at + count == end)});
    }
  }
}

StreamChecker::Source StreamChecker::source(const Flow& flow) const {
  const StreamChannel& channel = contract_.channels[static_cast<std::size_t>(flow.channel)];
  Source source;
  lay(channel, flow, source);
  if (has(channel.valid)) return source;
  if (!has(channel.index))
    refuse(fmt::format("[pins] leaves out {0}_valid, and {0}_index too", channel.name),
           "join one of them, or leave the operation out of [operations]");
  source.memory = flow.memory;
  return source;
}

StreamChecker::Sink StreamChecker::sink(const Flow& flow) const {
  const StreamChannel& channel = contract_.channels[static_cast<std::size_t>(flow.channel)];
  Sink sink;
  lay(channel, flow, sink);
  if (channel.lane > 0 && !has(channel.valid))
    refuse(fmt::format("[pins] leaves out {}_valid, which a command needs", channel.name),
           "join it, or leave the operation out of [operations]");
  return sink;
}

void StreamChecker::tell(const StreamJob& job) {
  for (std::size_t i = 0; i < job.command.size(); ++i) {
    const int pin = StreamContract::kFirstField + static_cast<int>(i);
    if (!has(pin)) continue;
    const auto count = stream_.counts.find(name(pin));
    const StreamSpec::Count by = count == stream_.counts.end() ? StreamSpec::Count{} : count->second;
    const auto unit = static_cast<std::uint64_t>(by.unit);
    const std::uint64_t value = (job.command[i] + unit - 1) / unit - static_cast<std::uint64_t>(by.less);
    const int bits = block_->joined(pin);
    if (bits < 64 && value >> bits != 0)
      refuse(fmt::format("{} of a command is {}, and {} bits are joined to it", name(pin), value, bits),
             "join more bits, limit [shape], or give the block's codes under [operations] or [types]");
    block_->set(pin, value);
  }
}

bool StreamChecker::done() const {
  const auto ended = [](const Source& one) { return one.ended(); };
  return std::all_of(sources_.begin(), sources_.end(), ended) &&
         std::all_of(sinks_.begin(), sinks_.end(), ended);
}

void StreamChecker::play(const StreamJob& job) {
  now_ = std::max(now_, job.start);
  while (stops()) clock();
  check_rest();
  job_ = &job;
  collected_.clear();

  sources_.clear();
  sinks_.clear();
  for (const Flow& flow : job.in) sources_.push_back(source(flow));
  for (const Flow& flow : job.out) sinks_.push_back(sink(flow));
  tell(job);
  const int patience = stream_.patience > 0
                           ? stream_.patience
                           : kPatience + static_cast<int>(std::min<std::uint64_t>(job.work, 1u << 24));
  block_->set(StreamContract::kValid, 1);
  waits_ = true;
  Cycle at = now_, last = now_;
  while (waits_ || !done()) {
    const Moved moved = clock();
    if (moved.command) {
      at = now_ - 1;
      block_->set(StreamContract::kValid, 0);
      if (is_strobed(stream_)) block_->set(StreamContract::kFirstField, 0);
    }
    if (moved.command || moved.data) last = now_;
    if (now_ - last <= static_cast<Cycle>(patience)) continue;
    const auto stuck =
        std::find_if(sinks_.begin(), sinks_.end(), [](const Sink& one) { return !one.ended(); });
    const auto unread =
        std::find_if(sources_.begin(), sources_.end(), [](const Source& one) { return !one.ended(); });
    return differ(waits_                  ? "cmd_ready"
                  : stuck != sinks_.end() ? name(stuck->channel->valid)
                                          : name(unread->channel->ready),
                  "1", fmt::format("0 for {} cycles", patience));
  }
  if (stream_.level == CompareLevel::window) check_length(now_ - 1 - at);
  if (comparing_) comparison_.count().macs_compared += job.work;
  job_ = nullptr;
  last_ = {job.name, job.operation, fmt::format("{}; {}", job.doing, kBeyond), ""};
  sources_.clear();
  sinks_.clear();
}

void StreamChecker::flush() {
  for (int i = 0; i < kSettle; ++i) clock();
  comparison_.raise();
}

StreamChecker::Moved StreamChecker::clock() {
  comparison_.compares(now_);
  for (const StreamChannel& channel : contract_.channels)
    block_->set(channel.input ? channel.valid : channel.ready, 0);
  for (Source& source : sources_) drive(source);
  std::vector<bool> ready;
  for (Sink& sink : sinks_) {
    ready.push_back(!sink.ended() && !stops());
    block_->set(sink.channel->ready, ready.back());
  }
  block_->evaluate();
  bool again = false;
  for (Source& source : sources_) {
    if (source.memory.empty()) continue;
    const std::size_t index = block_->value(source.channel->index);
    if (source.delay > 0) {
      source.asked.push_back(index);
    } else {
      read_memory(source, index);
      again = true;
    }
  }
  if (again) block_->evaluate();
  see_pins();
  Moved moved;
  moved.command = waits_ && held_ready(StreamContract::kReady);
  check_unasked(moved.command);
  for (std::size_t i = 0; i < sinks_.size(); ++i)
    if (!sinks_[i].ended())
      moved.data |= check(sinks_[i], ready[i] || !has(sinks_[i].channel->ready), moved.command);
  for (Source& source : sources_)
    if (source.waits && held_ready(source.channel->ready)) {
      ++source.at;
      source.waits = false;
      moved.data = true;
    }
  waits_ = waits_ && !moved.command;
  block_->clock();
  ++now_;
  return moved;
}

void StreamChecker::put(const Source& source, std::size_t from, std::size_t count) {
  std::uint32_t* data = block_->pin(source.channel->data);
  std::fill_n(data, (block_->joined(source.channel->data) + 31) / 32, 0u);
  const std::vector<std::uint32_t>& all = source.memory.empty() ? source.flow->elements : source.memory;
  for (std::size_t i = 0; i < count; ++i) model::put(data, i, source.width, all[from + i]);
}

void StreamChecker::drive(Source& source) {
  if (!source.memory.empty()) {
    if (source.delay > 0 && source.asked.size() == static_cast<std::size_t>(source.delay)) {
      read_memory(source, source.asked.front());
      source.asked.pop_front();
    }
    return;
  }
  if (!source.waits && (source.ended() || stops())) return;
  source.waits = true;
  const Beat& beat = source.beats[source.at];
  put(source, beat.first, beat.count);
  block_->set(source.channel->valid, 1);
  block_->set(source.channel->last, beat.last);
  block_->set(source.channel->count, beat.count);
  put_keep(*source.channel, beat.count, source.lanes);
}

// A bit a byte, or one a lane.
void StreamChecker::put_keep(const StreamChannel& channel, std::size_t count, std::size_t lanes) {
  const auto bits = static_cast<std::size_t>(block_->joined(channel.keep));
  for (std::size_t bit = 0; bit < bits; ++bit)
    model::put(block_->pin(channel.keep), bit, 1, bit * lanes < count * bits);
}

void StreamChecker::read_memory(Source& source, std::size_t index) {
  const std::size_t from = source.address(index), pitch = source.flow->pitch;
  const std::size_t row = source.by_element ? source.memory.size() : (from / pitch + 1) * pitch;
  const std::size_t end = std::min(row, source.memory.size());
  put(source, from, from < end ? std::min(source.lanes, end - from) : 0);
}

/// What comes in a cycle without the next command, and would come in it, is not the next command's.
void StreamChecker::check_rest() {
  for (const StreamChannel& channel : contract_.channels)
    block_->set(channel.input ? channel.valid : channel.ready, 0);
  block_->evaluate();
  check_unasked(false);
}

void StreamChecker::check_unasked(bool commanded) {
  const bool taken = job_ && (commanded || !waits_);
  for (const StreamChannel& channel : contract_.channels) {
    const bool asked = taken && std::any_of(sinks_.begin(), sinks_.end(), [&](const Sink& sink) {
                         return sink.channel == &channel && !sink.ended();
                       });
    if (channel.input || asked || !has(channel.valid)) continue;
    std::uint64_t rtl = block_->value(channel.valid);
    if (comparison_.agrees(now_, name(channel.valid), 1, 0, rtl)) continue;
    if (taken)
      differ(name(channel.valid), "0", "1");
    else
      comparison_.differ(now_, name(channel.valid), "0", "1", last_);
  }
}

/// Has a beat passed?
bool StreamChecker::check(Sink& sink, bool ready, bool commanded) {
  const StreamChannel& channel = *sink.channel;
  const bool valid = has(channel.valid) ? block_->value(channel.valid) != 0 : commanded;
  if (!valid) {
    if (!sink.held.empty()) differ(name(channel.valid), "1 until it is taken", "0");
    return false;
  }
  const int pin = channel.lane > 0 ? channel.data : channel.first_field;
  const int words = (block_->joined(pin) + 31) / 32;
  std::vector<std::uint32_t> beat(block_->pin(pin), block_->pin(pin) + words);
  if (!sink.held.empty() && beat != sink.held)
    differ(name(pin), "as it was until it is taken", "changed while it waited");
  sink.held = std::move(beat);
  if (!ready) return false;
  check_beat(sink);
  sink.held.clear();
  ++sink.at;
  return true;
}

void StreamChecker::check_beat(Sink& sink) {
  const StreamChannel& channel = *sink.channel;
  for (std::size_t i = 0; comparing_ && i < sink.flow->fields.size(); ++i)
    if (const int pin = channel.first_field + static_cast<int>(i); sink.flow->fields[i] && has(pin)) {
      compare(pin, *sink.flow->fields[i] & (~std::uint64_t{0} >> (64 - block_->joined(pin))));
      ++comparison_.count().values_compared;
    }
  if (channel.lane == 0) return;
  check_sides(sink);
  check_data(sink);
  if (sink.flow->returns_to < 0) return;
  Source& memory = sources_[static_cast<std::size_t>(sink.flow->returns_to)];
  const Beat& beat = sink.beats[sink.at];
  if (memory.memory.empty()) return;
  for (std::size_t i = 0; i < beat.count; ++i)
    memory.memory[sink.address(beat.index) + i] = get(block_->pin(channel.data), i, sink.width);
}

// What goes with the data.
void StreamChecker::check_sides(const Sink& sink) {
  const Beat& beat = sink.beats[sink.at];
  if (has(sink.channel->count)) compare(sink.channel->count, beat.count);
  if (has(sink.channel->last)) compare(sink.channel->last, beat.last);
  if (has(sink.channel->index)) compare(sink.channel->index, beat.index);
  if (has(sink.channel->keep)) check_keep(sink);
}

void StreamChecker::check_keep(const Sink& sink) {
  const auto bits = static_cast<std::size_t>(block_->joined(sink.channel->keep));
  const std::size_t count = sink.beats[sink.at].count;
  for (std::size_t bit = 0; bit < bits; ++bit) {
    const std::uint64_t model = bit * sink.lanes < count * bits;
    std::uint64_t rtl = get(block_->pin(sink.channel->keep), bit, 1);
    if (!comparison_.agrees(now_, name(sink.channel->keep), 1, model, rtl, static_cast<int>(bit)))
      differ(fmt::format("{}[{}]", name(sink.channel->keep), bit), std::to_string(model),
             std::to_string(rtl));
  }
}

void StreamChecker::check_data(Sink& sink) {
  const Flow& flow = *sink.flow;
  const Beat& beat = sink.beats[sink.at];
  const auto is_near = [&](std::size_t element, std::uint64_t rtl) {
    if (flow.bounds.empty()) return false;
    const Flow::Bound& bound = flow.bounds[element];
    const double value = load_element(flow.type, reinterpret_cast<const std::byte*>(&rtl), 0);
    if (std::isinf(bound.slack)) return true;
    if (!std::isfinite(bound.exact))
      return std::isnan(bound.exact) ? std::isnan(value) : value == bound.exact;
    return std::fabs(value - bound.exact) <= bound.slack;
  };
  const std::string signal = name(sink.channel->data);
  for (std::size_t i = 0; i < beat.count; ++i) {
    const std::uint32_t model = flow.elements[beat.first + i];
    std::uint64_t rtl = get(block_->pin(sink.channel->data), i, sink.width);
    collect(flow.places.empty() ? beat.first + i : flow.places[beat.first + i],
            static_cast<std::uint32_t>(rtl));
    if (comparing_ && !comparison_.agrees(now_, signal, sink.width, model, rtl, static_cast<int>(i)) &&
        !is_near(beat.first + i, rtl))
      differ(fmt::format("{}[{}]", signal, i), shown(model, flow.type),
             shown(static_cast<std::uint32_t>(rtl), flow.type), story_of(sink, beat.first + i));
  }
  if (comparing_) comparison_.count().values_compared += beat.count;
}

// A place that comes again holds the last of its sums.
void StreamChecker::collect(std::size_t place, std::uint32_t value) {
  if (collected_.size() <= place) collected_.resize(place + 1);
  collected_[place] = value;
}

void StreamChecker::compare(int pin, std::uint64_t model) {
  std::uint64_t rtl = block_->value(pin);
  if (!comparison_.agrees(now_, name(pin), block_->joined(pin), model, rtl))
    differ(name(pin), std::to_string(model), std::to_string(rtl));
}

void StreamChecker::check_length(Cycle cycles) {
  const std::int64_t model = stream_.from_model ? static_cast<std::int64_t>(job_->cycles) : 0;
  const std::int64_t more = static_cast<std::int64_t>(cycles) - model;
  least_seen = seen_ ? std::min(least_seen, more) : more;
  most_seen = seen_ ? std::max(most_seen, more) : more;
  seen_ = true;
  if (more >= stream_.least && more <= stream_.most) return;
  differ("length",
         stream_.from_model ? fmt::format("{} cycles, and {} to {} more", model, stream_.least, stream_.most)
                            : fmt::format("{} to {} cycles", stream_.least, stream_.most),
         fmt::format("{} cycles", cycles));
}

void StreamChecker::see_pins() {
  TwinWindow* window = comparison_.window(now_);
  if (!window) return;
  for (std::size_t pin = 0; pin < block_->ports().size(); ++pin) {
    const int bits = block_->joined(static_cast<int>(pin));
    const std::string signal = fmt::format("rtl.{}", block_->ports()[pin].name);
    const std::uint32_t* words = block_->pin(static_cast<int>(pin));
    if (bits > 0 && bits <= 32) window->put(now_, signal, bits, words[0]);
    for (int i = 0; bits > 32 && i < bits / 32; ++i)
      window->put(now_, fmt::format("{}_{}", signal, i), 32, words[i]);
  }
}

Story::Input StreamChecker::input_of(const Source& source, const std::vector<std::size_t>& elements) const {
  Story::Input input;
  input.channel = source.channel->name;
  input.elements = elements;
  for (const std::size_t element : elements)
    input.values.push_back(shown(source.flow->elements[element], source.flow->type));
  for (std::size_t beat = 0; beat < source.beats.size() && source.memory.empty(); ++beat) {
    const Beat& one = source.beats[beat];
    if (std::any_of(elements.begin(), elements.end(), [&](std::size_t element) {
          return element >= one.first && element < one.first + one.count;
        }))
      input.beats.push_back(beat);
  }
  return input;
}

/// Of a wrong element, with what it was made from.
Story StreamChecker::story_of(const Sink& sink, std::size_t element) const {
  constexpr std::size_t kShown = 8;
  Story story;
  story.channel = sink.channel->name;
  story.element = element;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    std::vector<std::size_t> elements = {element};
    if (job_->made_from) elements = job_->made_from(i, element);
    if (elements.empty()) continue;
    const Story::Input input = input_of(sources_[i], elements);
    const std::size_t count = std::min(kShown, input.values.size());
    story.inputs +=
        fmt::format("{}{}[{}]", story.inputs.empty() ? "" : "; ", input.channel, ranges(elements));
    if (!input.beats.empty())
      story.inputs += fmt::format(" in beat {} of {}", ranges(input.beats), sources_[i].beats.size());
    story.inputs += fmt::format(
        " = {}{}",
        fmt::join(input.values.begin(), input.values.begin() + static_cast<std::ptrdiff_t>(count), " "),
        count < input.values.size() ? " ..." : "");
    story.made_from.push_back(input);
  }
  return story;
}

std::string StreamChecker::last_inputs() const {
  std::vector<std::string> inputs;
  for (const Source& source : sources_) {
    if (!source.memory.empty() || source.beats.empty()) continue;
    const std::size_t in =
        std::min(source.waits || source.at == 0 ? source.at : source.at - 1, source.beats.size() - 1);
    inputs.push_back(fmt::format("{} beat {} of {}: {}", source.channel->name, in, source.beats.size(),
                                 shown(source.flow->elements[source.beats[in].first], source.flow->type)));
  }
  return inputs.empty() ? "" : fmt::format("the last given are {}", fmt::join(inputs, ", "));
}

void StreamChecker::differ(const std::string& signal, const std::string& model, const std::string& rtl,
                           Story story) {
  if (!job_) return comparison_.differ(now_, signal, model, rtl, last_);
  std::string come;
  for (const Sink& sink : sinks_)
    come += fmt::format("; {} beats of {} of {} have come", sink.at, sink.beats.size(), sink.channel->name);
  story.command = job_->name;
  story.operation = job_->operation;
  story.doing = job_->doing + come + fmt::format("; the model's cycles from {}", job_->start);
  if (story.channel.empty()) {
    story.channel = signal.substr(0, signal.find('_'));
    story.inputs = last_inputs();
  }
  comparison_.differ(now_, signal, model, rtl, std::move(story));
}

}  // namespace leto::model
