#include "arch/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/errors.h"

namespace leto {
namespace {

/// Throws when a rule does not hold, at the place of the key that is to change.
class Rules {
 public:
  explicit Rules(const Places& places) : places_(places) {}

  void expect(bool holds, const std::string& key, const std::string& rule, const std::string& why) const {
    if (holds) return;
    const auto found = places_.find(key);
    throw Error(ExitCode::bad_input,
                fmt::format("{}: {} must be {}", found == places_.end() ? "chip" : found->second, key, rule),
                why);
  }
  void at_most(double value, double limit, const std::string& key, const std::string& other,
               const std::string& why) const {
    expect(value <= limit, key, fmt::format("at most {} ({}), is {}", other, limit, value), why);
  }
  void multiple(std::int64_t value, std::int64_t unit, const std::string& key, const std::string& other,
                const std::string& why) const {
    expect(value % unit == 0, key, fmt::format("a multiple of {} ({}), is {}", other, unit, value), why);
  }

 private:
  const Places& places_;
};

bool plain_name(const std::string& name) {
  constexpr auto kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  return !name.empty() && name.size() <= 64 && name.find_first_not_of(kAllowed) == std::string::npos;
}

void check_pe(const ChipConfig& c, const Rules& rules) {
  rules.multiple(c.matrix_engine.inner_bytes, 2, "matrix_engine.inner_bytes", "an element",
                 "a 16-bit element is not split over two cycles");
  rules.at_most(c.matrix_engine.tiles, c.reduction_engine.banks, "matrix_engine.tiles",
                "reduction_engine.banks", "every tile accumulates into a bank of its own");
  rules.at_most(c.fabric_interface.fragment_bytes, c.fabric_interface.outstanding_bytes,
                "fabric_interface.fragment_bytes", "fabric_interface.outstanding_bytes",
                "a fragment must be allowed in flight, else no transfer ever starts");
  rules.at_most(c.fabric_interface.fragment_bytes, double(c.local_store.bytes),
                "fabric_interface.fragment_bytes", "local_store.bytes",
                "a fragment lands in the local store whole");
  rules.expect(c.local_store.bytes_per_cycle >= c.matrix_engine.inner_bytes, "local_store.bytes_per_cycle",
               fmt::format("at least matrix_engine.inner_bytes ({})", c.matrix_engine.inner_bytes),
               "the matrix engine streams that many bytes a cycle from the local store");
}

void check_sram(const ChipConfig& c, const Rules& rules) {
  rules.multiple(c.sram.interleave_bytes, c.sram.bank_bytes_per_cycle, "sram.interleave_bytes",
                 "sram.bank_bytes_per_cycle", "a bank gives whole accesses");
  rules.at_most(double(c.sram.interleave_bytes) * c.sram.banks, double(c.sram.bytes), "sram.interleave_bytes",
                "sram.bytes / sram.banks", "every bank holds at least one interleave unit");
}

void check_controller(const HbmConfig& h, const Rules& rules) {
  const auto one_of = [&](const std::string& value, const std::string& key,
                          std::initializer_list<std::string_view> words) {
    rules.expect(std::ranges::find(words, value) != words.end(), key,
                 fmt::format("one of {}, is \"{}\"", fmt::join(words, ", "), value),
                 "these are the modes that the controller has");
  };
  one_of(h.refresh, "hbm.refresh", {"all_bank", "per_bank", "none"});
  one_of(h.model, "hbm.model", {"controller", "ledger"});
  one_of(h.address_map, "hbm.address_map", {"linear", "interleaved", "striped"});
  one_of(h.row_policy, "hbm.row_policy", {"open", "closed"});
  rules.at_most(h.write_low, h.write_high, "hbm.write_low", "hbm.write_high",
                "draining stops below where it starts");
}

void check_hbm(const ChipConfig& c, const Rules& rules) {
  check_controller(c.hbm, rules);
  rules.multiple(c.hbm.interleave_bytes, c.dram.burst_bytes, "hbm.interleave_bytes", "dram.burst_bytes",
                 "a burst comes from one channel");
  rules.multiple(c.hbm.interleave_bytes, c.sram.line_bytes, "hbm.interleave_bytes", "sram.line_bytes",
                 "a cache line comes from one channel");
  rules.multiple(c.sram.line_bytes, c.dram.burst_bytes, "sram.line_bytes", "dram.burst_bytes",
                 "a cache line is filled burst by burst");
  rules.at_most(double(c.sram.line_bytes) / c.dram.burst_bytes, 64, "sram.line_bytes", "64 bursts",
                "the bursts of a line are kept apart in one word");
  rules.at_most(double(c.hbm.bytes) / c.sram.line_bytes, 4294967295.0, "hbm.bytes", "2^32 - 1 cache lines",
                "a tag has 32 bits");
  rules.at_most(c.sram.ways, 32768, "sram.ways", "32768", "a way's age has 16 bits");
  rules.at_most(double(c.dram.row_bytes) * c.hbm.channels, double(c.hbm.bytes), "hbm.channels",
                "hbm.bytes / dram.row_bytes", "every channel holds at least one row");
  rules.at_most(c.control_core.replace_cycles, c.control_core.launch_cycles, "control_core.replace_cycles",
                "control_core.launch_cycles", "replacing a job costs no more than launching it");
}

}  // namespace

void validate(const DramTiming& d, const Places& places) {
  const Rules rules(places);
  rules.expect(plain_name(d.name), "dram.name", "letters, digits, '_', '.', '-'", "it names a file");
  rules.multiple(d.row_bytes, d.burst_bytes, "dram.row_bytes", "dram.burst_bytes",
                 "a burst comes from one row");
  rules.at_most(d.tck_ns, d.burst_ns, "dram.tck_ns", "dram.burst_ns",
                "a burst takes at least one command clock");
  rules.at_most(d.ccd_s_ns, d.ccd_l_ns, "dram.ccd_s_ns", "dram.ccd_l_ns",
                "the same bank group is never faster");
  rules.at_most(d.rrd_s_ns, d.rrd_l_ns, "dram.rrd_s_ns", "dram.rrd_l_ns",
                "the same bank group is never faster");
  rules.at_most(d.wtr_s_ns, d.wtr_l_ns, "dram.wtr_s_ns", "dram.wtr_l_ns",
                "the same bank group is never faster");
  rules.at_most(d.ras_ns, d.rc_ns, "dram.ras_ns", "dram.rc_ns", "a row cycle holds the time the row is open");
  rules.at_most(d.rrd_s_ns, d.faw_ns, "dram.rrd_s_ns", "dram.faw_ns", "the window holds four activates");
  rules.expect(d.rfc_ns < d.refi_ns, "dram.rfc_ns", fmt::format("less than dram.refi_ns ({})", d.refi_ns),
               "a channel that refreshes all the time serves nothing");
  rules.at_most(d.tck_ns, d.activate_ns, "dram.tck_ns", "dram.activate_ns",
                "an activate takes a command clock");
  for (const auto& [key, value] : {std::pair{"dram.bank_groups", d.bank_groups},
                                   {"dram.banks_per_group", d.banks_per_group},
                                   {"dram.stack_ids", d.stack_ids},
                                   {"dram.row_bytes", d.row_bytes / d.burst_bytes}})
    rules.expect(std::has_single_bit(unsigned(value)), key, "a power of two",
                 "a burst's address is cut into bit fields");
  const int banks = d.bank_groups * d.banks_per_group * d.stack_ids;
  rules.expect(banks <= 64, "dram.banks_per_group", fmt::format("less: {} banks", banks),
               "a pseudo channel has at most 64 banks");
  rules.expect(d.rfc_per_bank_ns < banks * d.refi_per_bank_ns, "dram.rfc_per_bank_ns",
               fmt::format("less than {} x dram.refi_per_bank_ns ({})", banks, d.refi_per_bank_ns),
               "a bank that refreshes all the time serves nothing");
}

void validate(const ChipConfig& chip, const Places& places) {
  const Rules rules(places);
  rules.expect(plain_name(chip.name), "name", "letters, digits, '_', '.', '-' (at most 64)",
               "it names files");
  check_pe(chip, rules);
  check_sram(chip, rules);
  validate(chip.dram, places);
  check_hbm(chip, rules);
}

}  // namespace leto
