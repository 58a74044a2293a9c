// The chip file: every number of the modelled chip, one struct a block, names as in the TOML and in the
// stats. Every chip file sets every key; unknown, missing, duplicate or nonsensical keys are Error(bad_input)
// with file:line. Units stand in the names: cycles are PE clock cycles unless said otherwise, bytes are
// bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace leto {

struct PeConfig {
  int rows = 0, columns = 0;
  double clock_mhz = 0;
};

struct LocalStoreConfig {
  std::int64_t bytes = 0;
  int bytes_per_cycle = 0;  // all ports together, reads plus writes
};

struct CommandProcessorConfig {
  int issue_cycles = 0;   // an issue core spends per command word (ours)
  int scalar_cycles = 0;  // per scalar instruction (ours)
  int queue_depth = 0;    // commands a unit's queue holds (ours)
};

struct MatrixEngineConfig {
  int tiles = 0;            // 32-row tiles that share the stream
  int inner_bytes = 0;      // bytes of a held row and of a streamed vector per cycle (64 pilot, 32 artemis)
  int pipeline_cycles = 0;  // fill plus drain of a command (ours)
  bool double_rate_8bit = false;
};

struct ReductionEngineConfig {
  int banks = 0;                 // 32x32 fp32 accumulator banks
  int elements_per_cycle = 0;    // drained, filled or merged (ours)
  int link_bytes_per_cycle = 0;  // PE to PE reduction network (ours)
  int latency_cycles = 0;        // ours
};

struct VectorEngineConfig {
  int elements_per_cycle = 0;
  int bytes_per_cycle = 0;  // local-store port, operands plus result (ours)
  int latency_cycles = 0;   // of one pass (ours)
};

struct LayoutEngineConfig {
  int bytes_per_cycle = 0;  // ours: no published rate
  int latency_cycles = 0;
};

struct SortBlockConfig {
  int records_per_cycle = 0;  // 0: none
  int latency_cycles = 0;
  int software_cycles = 0;  // a record and visit, where there is none
};

struct FabricInterfaceConfig {
  int bytes_per_cycle = 0;    // PE port into the NoC, each direction
  int fragment_bytes = 0;     // largest packet group a transfer is cut into
  int outstanding_bytes = 0;  // most bytes in flight per direction
  int bucket_bytes = 0;       // loads ask for that much ahead of the port's rate (ours)
  int command_cycles = 0;     // set-up of a transfer
};

struct NocConfig {
  double clock_mhz = 0;
  int cluster_rows = 0, cluster_columns = 0;  // PEs that share a router
  int link_bytes_per_cycle = 0;               // between routers, each way
  int hop_cycles = 0;
  int buffer_bytes = 0;  // of a router, for each way out (ours)
};

struct SramConfig {
  double clock_mhz = 0;
  std::int64_t bytes = 0;
  int banks = 0;
  int bank_bytes_per_cycle = 0;
  int interleave_bytes = 0;
  int latency_cycles = 0;
  double scratch_fraction = 0;   // share used as LLS scratch; the rest is LLC
  int line_bytes = 0, ways = 0;  // of the LLC
  bool eager_write_back = false;
};

struct HbmConfig {
  std::string timing;        // grade: arch/timings/<name>.toml
  int channels = 0;          // pseudo channels, all stacks
  std::int64_t bytes = 0;    // capacity
  int interleave_bytes = 0;  // consecutive bytes on one pseudo channel
  int latency_cycles = 0;    // controller plus PHY, both ways (ours)
  std::string model;         // of a channel: controller (every burst) or ledger (whole runs, faster)
  // The controller of a channel (all ours).
  int read_queue = 0, write_queue = 0;   // bursts
  double write_high = 0, write_low = 0;  // shares of write_queue: turn to writes above, back below
  std::string refresh;                   // all_bank, per_bank or none
  int refresh_postponed = 0;             // refreshes that may wait for their banks to be free
  std::string address_map;               // linear, interleaved or striped
  std::string row_policy;                // open or closed
};

struct SyncConfig {
  int barrier_cycles = 0;  // last arrival to release, whole grid (ours)
  int message_cycles = 0;  // semaphore post to visible (ours)
};

struct ControlCoreConfig {
  int launch_cycles = 0;   // job launch, before the first instruction
  int replace_cycles = 0;  // next job of the same program
};

struct HostLinkConfig {
  double gbps = 0;  // GB/s
};

struct NetworkConfig {
  double scale_up_gbps = 0, scale_out_gbps = 0;  // GB/s
  int scale_up_chips = 0;
  double latency_us = 0;
  std::string source;
};

/// DRAM grade. Times in ns, from the grade's TOML with its source.
struct DramTiming {
  std::string name;
  double tck_ns = 0;    // command clock
  int burst_bytes = 0;  // of one column command
  double burst_ns = 0;  // data bus time of a burst (peak = burst_bytes / burst_ns per channel)
  int bank_groups = 0, banks_per_group = 0, row_bytes = 0;
  double rcd_ns = 0, rp_ns = 0, ras_ns = 0, rc_ns = 0, cl_ns = 0, cwl_ns = 0, wr_ns = 0, rtp_ns = 0;
  double ccd_s_ns = 0, ccd_l_ns = 0, rrd_s_ns = 0, rrd_l_ns = 0, faw_ns = 0, wtr_s_ns = 0, wtr_l_ns = 0,
         rtw_ns = 0;
  double refi_ns = 0, rfc_ns = 0;                    // all-bank refresh
  double refi_per_bank_ns = 0, rfc_per_bank_ns = 0;  // per-bank refresh: one bank an interval, in turn
  double rrefd_ns = 0;                               // per-bank refresh to a command to another bank
  int stack_ids = 1;        // groups of dies (HBM's SID), each with bank_groups x banks_per_group banks
  double rcd_write_ns = 0;  // activate to write; rcd_ns is activate to read
  double ccd_r_ns = 0;      // column to column, other stack id
  double ppd_ns = 0;        // precharge to precharge
  double activate_ns = 0;   // an activate occupies the row-command bus
  int clock_edges = 1;      // edges of the clock on which a precharge may start
  bool shared_command_bus = false;  // row and column commands share one bus
};

struct ChipConfig {
  std::string name;
  std::string description;  // one line: which public part, "-style"
  PeConfig pe;
  LocalStoreConfig local_store;
  CommandProcessorConfig command_processor;
  MatrixEngineConfig matrix_engine;
  ReductionEngineConfig reduction_engine;
  VectorEngineConfig vector_engine;
  LayoutEngineConfig layout_engine;
  SortBlockConfig sort_block;
  FabricInterfaceConfig fabric_interface;
  NocConfig noc;
  SramConfig sram;
  HbmConfig hbm;
  SyncConfig sync;
  ControlCoreConfig control_core;
  HostLinkConfig host_link;
  NetworkConfig network;
  DramTiming dram;  // resolved from hbm.timing

  int pes() const { return pe.rows * pe.columns; }
  double hertz() const { return pe.clock_mhz * 1e6; }
  /// PE cycles in a cycle of the NoC.
  double noc_cycle() const { return pe.clock_mhz / noc.clock_mhz; }
};

/// A preset's name ("pilot") or a path to a TOML file. `overrides` are `section.key=value` (the --set flag).
ChipConfig load_chip(const std::string& name_or_path, const std::vector<std::string>& overrides = {});
/// Names of the presets, sorted.
std::vector<std::string> chip_names();
/// Folder of arch/ data (chips/, timings/): beside the binary when installed, else the source tree.
std::filesystem::path arch_data();
/// The effective configuration, every key, as TOML text: load_chip of it gives the same chip.
std::string to_toml(const ChipConfig& chip);
/// A grade's name ("hbm3_6400") or a path to its TOML file.
DramTiming load_dram_timing(const std::string& name_or_path);
/// FNV-1a of to_toml.
std::uint64_t config_hash(const ChipConfig& chip);

/// Closed forms (bounds.cpp). FLOP/s of the matrix engines at a width of 1 or 2 bytes an element; bytes/s.
double peak_flops(const ChipConfig& chip, int element_bytes);
double hbm_bytes_per_second(const ChipConfig& chip);
double sram_bytes_per_second(const ChipConfig& chip);

/// Time in which a chip sends `bytes` to the other ones of `chips`, the same number to each, and gets as many from
/// them: near and far ones side by side.
double exchange_seconds(const ChipConfig& chip, double bytes, std::int64_t chips);
/// The same in PE cycles, rounded up.
std::int64_t exchange_cycles(const ChipConfig& chip, std::int64_t bytes, std::int64_t chips);

/// Bytes of the shared SRAM that are scratch (LLS).
std::int64_t scratch_bytes(const SramConfig& sram);

}  // namespace leto
