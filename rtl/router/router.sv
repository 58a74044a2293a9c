// One router of the network on chip, as model/noc decides at it: the headers that go ahead of their packets, and the
// dates that they get. (Data take the ways then; nothing else is decided on them.)
//
// Ways in are 0 to 3, for what moves north, east, south and west, and 4 for what starts here; ways out are the links
// north, east, south and west, the cluster's PEs, and memory. Each way in offers a header (h_*): for which routers the packet is
// (all in h_row_first..h_row_last and h_column_first..h_column_last: one, or a multicast's) and which PEs of each of
// their clusters (none: memory); when its first beat is here (h_head, in cycles from now; at way 4 it is here); its beats
// of 32 bytes and how many cycles it takes a link. At way 4 the router counts both, part by part (p_*): each part takes
// whole cycles of a link. One header a clock is granted (h_ready_o): the one whose packet was launched first (h_stamp, which
// goes round: two differ by less than half).
//   Route, g_ways_o: along the row first, then along the column; a multicast leaves by all ways of its tree.
//   Links: a packet starts on each when its head is here and the link free, and takes it for its cycles; its head is
// at the router behind it HopCycles later (g_head_o, by link). c_wait_i: the router behind has no room for the packet's end
// for so long, and the link stays taken until then.
//   Buffers, one for each way in and way out that a route can have (router_buffer.sv): the packet lies there until it
// has left, by its link or into its PE (e_taken_i, by PE: that is when the PE has its last beat, which is here at g_tail_o).
// u_wait_o: how long, from now, there is no room for its end: the c_wait_i of the router that it came from.
// tick_i: a cycle of the PEs, which is one of the network, ends with this clock; tied to one, it counts every clock.
// i_*: what is free of the slot of a buffer that is being filled (after a reset of a router whose buffers are empty).
// h_ready_o and g_* depend on h_* and registers, u_wait_o on e_taken_i too. present_i: which PEs the cluster has.
//
// Outside: a PE's port (when it takes what comes, and how fast), memory, what is between memory and its router (it has no buffer),
// request and acknowledgement channels, clocks of the network other than the PEs', which of the packets launched in a
// cycle is the first. Waits are below 2**WaitBits: four windows of a port at a byte a cycle.
module router #(
  parameter int unsigned LinkBytes = 128,
  parameter int unsigned HopCycles = 4,
  parameter int unsigned BufferBytes = 4096,
  parameter int unsigned ClusterRows = 1,
  parameter int unsigned ClusterColumns = 1,
  parameter int unsigned OutstandingBytes = 65536,
  parameter int unsigned FragmentBytes = 4096,
  localparam int unsigned Links = 4,
  localparam int unsigned Ins = Links + 1,
  localparam int unsigned Pes = ClusterRows * ClusterColumns,
  localparam int unsigned Buffered = Links + Pes,  // ways out that have buffers
  localparam int unsigned WayBits = $clog2(Buffered),
  localparam int unsigned PlaceBits = 5,
  localparam int unsigned StampBits = 10,
  localparam int unsigned WaitBits = $clog2(OutstandingBytes) + 2,
  localparam int unsigned BeatBytes = 32,
  localparam int unsigned PartBits = $clog2(FragmentBytes / BeatBytes + 1),
  localparam int unsigned BeatsBits = $clog2(FragmentBytes + 1),  // a beat for each byte, and a cycle for each beat
  localparam int unsigned SlotBeats = BufferBytes / 8 / BeatBytes,
  localparam int unsigned LeftBits = $clog2(SlotBeats)
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       tick_i,
  input  logic [PlaceBits-1:0]       row_i,
  input  logic [PlaceBits-1:0]       column_i,
  input  logic [Pes-1:0]             present_i,

  input  logic                       i_valid_i,
  input  logic [1:0]                 i_in_i,
  input  logic [WayBits-1:0]         i_way_i,
  input  logic [LeftBits-1:0]        i_left_i,

  input  logic                       p_valid_i,
  input  logic [PartBits-1:0]        p_beats_i,

  input  logic [Ins-1:0]             h_valid_i,
  output logic [Ins-1:0]             h_ready_o,
  input  logic [Ins*StampBits-1:0]   h_stamp_i,
  input  logic [Ins*PlaceBits-1:0]   h_row_first_i,
  input  logic [Ins*PlaceBits-1:0]   h_row_last_i,
  input  logic [Ins*PlaceBits-1:0]   h_column_first_i,
  input  logic [Ins*PlaceBits-1:0]   h_column_last_i,
  input  logic [Ins*Pes-1:0]         h_pes_i,
  input  logic [Links*WaitBits-1:0]  h_head_i,
  input  logic [Links*BeatsBits-1:0] h_beats_i,
  input  logic [Links*BeatsBits-1:0] h_cycles_i,

  output logic [Buffered:0]          g_ways_o,
  output logic [BeatsBits-1:0]       g_beats_o,
  output logic [BeatsBits-1:0]       g_cycles_o,
  output logic [Links*WaitBits-1:0]  g_head_o,
  output logic [WaitBits-1:0]        g_tail_o,

  input  logic [Links*WaitBits-1:0]  c_wait_i,
  input  logic [Pes*WaitBits-1:0]    e_taken_i,
  output logic [WaitBits-1:0]        u_wait_o
);

  localparam int unsigned North = 0;
  localparam int unsigned East = 1;
  localparam int unsigned South = 2;
  localparam int unsigned West = 3;
  localparam int unsigned Start = 4;
  localparam int unsigned MostBeats = 7 * SlotBeats;  // of a packet that lie in a buffer
  localparam int unsigned FillBits = $clog2(MostBeats + 1);

  // ---- the packet that starts here: its parts so far ----
  logic [BeatsBits-1:0] beats_q, cycles_q, part_cycles;
  assign part_cycles = BeatsBits'((32'(p_beats_i) * BeatBytes + LinkBytes - 32'd1) / LinkBytes);

  // ---- the oldest header ----
  logic [Ins-1:0]       grant;
  logic [StampBits-1:0] older_by;

  always_comb begin
    grant = h_valid_i;
    older_by = '0;
    for (int unsigned a = 0; a < Ins; a++)
      for (int unsigned b = 0; b < Ins; b++) begin
        older_by = h_stamp_i[b*StampBits+:StampBits] - h_stamp_i[a*StampBits+:StampBits];
        if (h_valid_i[b] && older_by[StampBits-1]) grant[a] = 1'b0;
      end
  end
  assign h_ready_o = grant;

  logic [PlaceBits-1:0] row_first, row_last, column_first, column_last;
  logic [Pes-1:0]       pes;
  logic [WaitBits-1:0]  head;
  logic [BeatsBits-1:0] beats, cycles;

  always_comb begin
    {row_first, row_last, column_first, column_last, pes} = '0;
    for (int unsigned in = 0; in < Ins; in++)
      if (grant[in]) begin
        row_first = h_row_first_i[in*PlaceBits+:PlaceBits];
        row_last = h_row_last_i[in*PlaceBits+:PlaceBits];
        column_first = h_column_first_i[in*PlaceBits+:PlaceBits];
        column_last = h_column_last_i[in*PlaceBits+:PlaceBits];
        pes = h_pes_i[in*Pes+:Pes];
      end
    head = '0;
    beats = beats_q;
    cycles = cycles_q;
    for (int unsigned in = 0; in < Links; in++)
      if (grant[in]) begin
        head = h_head_i[in*WaitBits+:WaitBits];
        beats = h_beats_i[in*BeatsBits+:BeatsBits];
        cycles = h_cycles_i[in*BeatsBits+:BeatsBits];
      end
  end
  assign g_beats_o = beats;
  assign g_cycles_o = cycles;
  assign g_tail_o = grant[Start] ? head : head + WaitBits'(cycles);

  // ---- its ways ----
  logic            in_columns, in_rows, along_row;
  logic [Buffered:0] ways;

  assign in_columns = column_i >= column_first && column_i <= column_last;
  assign in_rows = row_i >= row_first && row_i <= row_last;
  assign along_row = grant[East] || grant[West] || grant[Start];

  always_comb begin
    ways = '0;
    ways[North] = (along_row || grant[North]) && in_columns && row_i > row_first;
    ways[East] = (grant[East] || grant[Start]) && column_i < column_last;
    ways[South] = (along_row || grant[South]) && in_columns && row_i < row_last;
    ways[West] = (grant[West] || grant[Start]) && column_i > column_first;
    if (grant != '0 && in_columns && in_rows) begin
      ways[Links+:Pes] = pes & present_i;
      ways[Buffered] = pes == '0;
    end
  end
  assign g_ways_o = ways;

  // ---- links ----
  logic [Links*WaitBits-1:0]    free_in_q;  // cycles until each is free
  logic [Buffered*WaitBits-1:0] leaves;     // when the packet has left by each way

  function automatic logic [WaitBits-1:0] later(logic [WaitBits-1:0] a, logic [WaitBits-1:0] b);
    later = a > b ? a : b;
  endfunction
  function automatic logic [WaitBits-1:0] aged(logic [WaitBits-1:0] wait_for, logic by);
    aged = by && wait_for != '0 ? wait_for - 1'b1 : wait_for;
  endfunction

  always_comb begin
    leaves[Links*WaitBits+:Pes*WaitBits] = e_taken_i;
    for (int unsigned way = 0; way < Links; way++) begin
      g_head_o[way*WaitBits+:WaitBits] = later(head, free_in_q[way*WaitBits+:WaitBits]) + WaitBits'(HopCycles);
      leaves[way*WaitBits+:WaitBits] = later(head, free_in_q[way*WaitBits+:WaitBits]) + WaitBits'(cycles);
    end
  end

  // ---- buffers ----
  logic [FillBits-1:0]                fill_beats;
  logic [Links*Buffered*WaitBits-1:0] room;

  assign fill_beats = 32'(beats) < MostBeats ? FillBits'(beats) : FillBits'(MostBeats);

  for (genvar in = 0; in < Links; in++) begin : gen_in
    for (genvar way = 0; way < Buffered; way++) begin : gen_way
      // What moves along a column stays in it; nothing goes back.
      if (way >= Links || way == in || ((in == East || in == West) && (way == North || way == South))) begin : gen_buffer
        router_buffer #(
          .SlotBeats(SlotBeats), .WaitBits(WaitBits), .FillBits(FillBits), .LeftBits(LeftBits)
        ) u_buffer (
          .clk_i, .rst_ni, .tick_i,
          .load_i(i_valid_i && 32'(i_in_i) == in && 32'(i_way_i) == way),
          .left_i(i_left_i),
          .fill_i(grant[in] && ways[way]),
          .beats_i(fill_beats),
          .leaves_i(leaves[way*WaitBits+:WaitBits]),
          .room_o(room[(in*Buffered+way)*WaitBits+:WaitBits])
        );
      end else begin : gen_none
        assign room[(in*Buffered+way)*WaitBits+:WaitBits] = '0;
      end
    end
  end

  always_comb begin
    u_wait_o = '0;
    for (int unsigned b = 0; b < Links * Buffered; b++) u_wait_o = later(u_wait_o, room[b*WaitBits+:WaitBits]);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      free_in_q <= '0;
      beats_q <= '0;
      cycles_q <= '0;
    end else begin
      for (int unsigned way = 0; way < Links; way++)
        free_in_q[way*WaitBits+:WaitBits] <=
            aged(ways[way] ? later(leaves[way*WaitBits+:WaitBits], c_wait_i[way*WaitBits+:WaitBits])
                           : free_in_q[way*WaitBits+:WaitBits], tick_i);
      if (grant[Start]) begin
        beats_q <= '0;
        cycles_q <= '0;
      end else if (p_valid_i) begin
        beats_q <= beats_q + BeatsBits'(p_beats_i);
        cycles_q <= cycles_q + part_cycles;
      end
    end
  end

endmodule
