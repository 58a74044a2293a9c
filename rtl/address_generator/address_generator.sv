// The address generator of one direction of a PE's fabric interface, as model/fabric/issue.cpp cuts transfers.
//
// A command is a transfer that has been set up: cmd_planes x cmd_rows pieces of cmd_bytes, or, with cmd_indexed, cmd_rows
// runs that channel r brings one by one. Rows that touch are one run, also over the end of a plane. A run is cut into
// fragments of FragmentBytes, and a fragment into pieces that each lie within one block of one memory unit: LineBytes
// in device memory, ScratchBytes from ScratchBase on. Channel p: a piece a clock; p_first marks a fragment's first one, which
// needs room for p_fragment bytes in flight, p_last a command's last one. p_delay says in how many cycles the piece
// leaves the port, which is paced: a load's fragment when the bucket of BucketBytes, drained at cmd_rate bytes a
// cycle, has room again; a store's pieces one after the other, in beats of 32 bytes. So the generator can run ahead of its port.
// cmd_late: the port is busy so many cycles more than the generator knows of (another member of a multicast, or after a
// reset). tick_i: a cycle of the PE ends with this clock; tied to one, it counts every clock.
// Widths are those of the instruction set (isa/check.cpp): extents, and their product, up to 2**24, addresses below
// 2**41, strides that stay in between, where there are several rows or planes; else they are not looked at. The port's pace
// (LateBits) covers 64 windows of loads in rows of one byte, or two of such stores at a byte a cycle.
// A command is taken when nothing is left of the one before, its first piece is there in the next clock. p_* depend on
// registers only.
module address_generator #(
  parameter int unsigned FragmentBytes = 4096,
  parameter int unsigned BucketBytes = 2048,
  parameter int unsigned LineBytes = 512,
  parameter int unsigned ScratchBytes = 512,
  parameter int unsigned OutstandingBytes = 65536,
  parameter int unsigned PortBytes = 64,
  localparam int unsigned ScratchBit = 40,  // ScratchBase = 2**ScratchBit
  localparam int unsigned AddressBits = ScratchBit + 1,
  localparam int unsigned StrideBits = AddressBits + 1,  // and a sign
  localparam int unsigned ExtentBits = 25,
  localparam int unsigned RateBits = $clog2(PortBytes + 1),
  localparam int unsigned LateBits = $clog2(OutstandingBytes) + 6,
  localparam int unsigned FragmentBits = $clog2(FragmentBytes + 1),
  localparam int unsigned PieceBits = $clog2((LineBytes > ScratchBytes ? LineBytes : ScratchBytes) + 1)
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    tick_i,

  input  logic                    cmd_valid_i,
  output logic                    cmd_ready_o,
  input  logic                    cmd_store_i,
  input  logic                    cmd_indexed_i,
  input  logic [RateBits-1:0]     cmd_rate_i,
  input  logic [LateBits-1:0]     cmd_late_i,
  input  logic [AddressBits-1:0]  cmd_address_i,
  input  logic [ExtentBits-1:0]   cmd_bytes_i,
  input  logic [ExtentBits-1:0]   cmd_rows_i,
  input  logic [StrideBits-1:0]   cmd_row_stride_i,
  input  logic [ExtentBits-1:0]   cmd_planes_i,
  input  logic [StrideBits-1:0]   cmd_plane_stride_i,

  input  logic                    r_valid_i,
  output logic                    r_ready_o,
  input  logic [AddressBits-1:0]  r_address_i,
  input  logic [ExtentBits-1:0]   r_bytes_i,

  output logic                    p_valid_o,
  input  logic                    p_ready_i,
  output logic [AddressBits-1:0]  p_address_o,
  output logic [PieceBits-1:0]    p_bytes_o,
  output logic [FragmentBits-1:0] p_fragment_o,
  output logic                    p_first_o,
  output logic                    p_last_o,
  output logic [LateBits-1:0]     p_delay_o
);

  localparam int unsigned BeatBytes = 32;
  localparam int unsigned BeatBits = $clog2(BeatBytes);
  localparam int unsigned BucketBits = $clog2(BucketBytes + 2);
  localparam int unsigned LengthBits = $clog2(FragmentBytes + BeatBytes);  // of a fragment or a piece's beats
  typedef logic [AddressBits-1:0] address_t;
  typedef logic [ExtentBits-1:0]  extent_t;
  typedef logic [StrideBits-1:0]  stride_t;
  localparam extent_t One = extent_t'(1);

  // Of the command, rows that touch already joined.
  logic                busy_q, store_q, indexed_q, wraps_q;
  logic [RateBits-1:0] rate_q;
  extent_t             bytes_q, rows_q;
  address_t            row_stride_q, row_gap_q, plane_stride_q;
  // Of the run that is being cut.
  logic                    here_q;  // an indexed one has come
  address_t                address_q, plane_q;
  extent_t                 run_left_q, rows_left_q, planes_left_q;
  logic [FragmentBits-1:0] fragment_left_q;  // 0: a fragment begins
  // Of the port.
  logic [LateBits-1:0] late_q, delay_q;

  // ---- what a command comes to ----
  logic    rows_touch, planes_touch, wraps;
  extent_t row_bytes, run_bytes, rows, planes;
  stride_t last_row_end;

  assign rows_touch = cmd_rows_i == One || cmd_row_stride_i == stride_t'(cmd_bytes_i);
  assign row_bytes = rows_touch ? cmd_bytes_i * cmd_rows_i : cmd_bytes_i;
  assign planes_touch = rows_touch && (cmd_planes_i == One || cmd_plane_stride_i == stride_t'(row_bytes));
  assign run_bytes = planes_touch ? row_bytes * cmd_planes_i : row_bytes;
  assign rows = rows_touch ? One : cmd_rows_i;
  assign planes = planes_touch ? One : cmd_planes_i;
  // A plane's last row and the next one's first may touch where no others do.
  assign last_row_end = (stride_t'(cmd_rows_i) - stride_t'(1)) * cmd_row_stride_i + stride_t'(cmd_bytes_i);
  assign wraps = !rows_touch && cmd_plane_stride_i == last_row_end;

  function automatic extent_t first_run(logic wraps_here, extent_t rows_left, extent_t planes_left, extent_t bytes);
    first_run = wraps_here && rows_left == One && planes_left != One ? bytes << 1 : bytes;
  endfunction

  // ---- the piece ----
  logic [PieceBits-1:0]    room;  // up to the end of the memory unit's block
  logic [FragmentBits-1:0] fragment, left;
  logic                    scratch, first, piece_ends_fragment, piece_ends_run, row_is_last, run_is_last, wraps_now;

  assign first = fragment_left_q == '0;
  assign fragment = run_left_q < extent_t'(FragmentBytes) ? FragmentBits'(run_left_q) : FragmentBits'(FragmentBytes);
  assign left = first ? fragment : fragment_left_q;
  assign scratch = address_q[ScratchBit];
  assign room = scratch ? PieceBits'(ScratchBytes) - PieceBits'(address_q[ScratchBit-1:0] % ScratchBit'(ScratchBytes))
                        : PieceBits'(LineBytes) - PieceBits'(address_q[ScratchBit-1:0] % ScratchBit'(LineBytes));
  assign p_bytes_o = 32'(left) < 32'(room) ? PieceBits'(left) : room;
  assign piece_ends_fragment = FragmentBits'(p_bytes_o) == left;
  assign piece_ends_run = extent_t'(p_bytes_o) == run_left_q;

  assign wraps_now = wraps_q && rows_left_q == One && planes_left_q != One;
  assign row_is_last = rows_left_q == One;
  assign run_is_last = row_is_last && planes_left_q == One;

  // ---- the port's pace ----
  logic [BucketBits-1:0]       bucket;
  logic [LateBits-1:0]         ahead;
  logic [PieceBits-BeatBits:0] beats;
  logic [LengthBits-1:0]       length;

  assign bucket = BucketBits'(BucketBytes / 32'(rate_q));
  assign ahead = late_q > LateBits'(bucket) ? late_q - LateBits'(bucket) : '0;
  assign beats = (PieceBits-BeatBits+1)'((32'(p_bytes_o) + BeatBytes - 1) >> BeatBits);
  assign length = LengthBits'(((store_q ? 32'(beats) << BeatBits : 32'(p_fragment_o)) + 32'(rate_q) - 32'd1) / 32'(rate_q));

  assign cmd_ready_o = !busy_q;
  assign r_ready_o = busy_q && indexed_q && !here_q;
  assign p_valid_o = busy_q && (!indexed_q || here_q);
  assign p_address_o = address_q;
  assign p_fragment_o = fragment;
  assign p_first_o = first;
  assign p_last_o = piece_ends_run && run_is_last;
  assign p_delay_o = store_q ? late_q : first ? ahead : delay_q;

  logic                take, take_run, piece;
  logic [LateBits-1:0] late_now, late_then;

  assign take = cmd_valid_i && cmd_ready_o;
  assign take_run = r_valid_i && r_ready_o;
  assign piece = p_valid_o && p_ready_i;
  assign late_now = take && cmd_late_i > late_q ? cmd_late_i : late_q;
  assign late_then = piece && (store_q || first) ? late_now + LateBits'(length) : late_now;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {busy_q, here_q} <= '0;
      {late_q, delay_q, fragment_left_q} <= '0;
    end else begin
      late_q <= tick_i && late_then != '0 ? late_then - 1'b1 : late_then;
      if (piece && first) delay_q <= tick_i && ahead != '0 ? ahead - 1'b1 : ahead;
      else if (tick_i && delay_q != '0) delay_q <= delay_q - 1'b1;
      if (take) begin
        busy_q <= 1'b1;
        here_q <= 1'b0;
      end
      if (take_run) here_q <= 1'b1;
      if (piece) begin
        fragment_left_q <= piece_ends_fragment ? '0 : left - FragmentBits'(p_bytes_o);
        if (piece_ends_run) here_q <= 1'b0;
        if (p_last_o) busy_q <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      store_q <= cmd_store_i;
      indexed_q <= cmd_indexed_i;
      rate_q <= cmd_rate_i;
      bytes_q <= run_bytes;
      rows_q <= rows;
      row_stride_q <= address_t'(cmd_row_stride_i);
      row_gap_q <= address_t'(cmd_row_stride_i) - address_t'(cmd_bytes_i);  // from the end of a row to the next one
      plane_stride_q <= address_t'(cmd_plane_stride_i);
      wraps_q <= wraps && !cmd_indexed_i;
      address_q <= cmd_address_i;
      plane_q <= cmd_address_i;
      rows_left_q <= cmd_indexed_i ? cmd_rows_i : rows;
      planes_left_q <= cmd_indexed_i ? One : planes;
      run_left_q <= first_run(wraps, rows, planes, run_bytes);
    end else if (take_run) begin
      address_q <= r_address_i;
      run_left_q <= r_bytes_i;
    end else if (piece && !piece_ends_run) begin
      address_q <= address_q + address_t'(p_bytes_o);
      run_left_q <= run_left_q - extent_t'(p_bytes_o);
    end else if (piece && wraps_now) begin  // past the first row of the next plane too
      address_q <= plane_q + plane_stride_q + row_stride_q;
      plane_q <= plane_q + plane_stride_q;
      rows_left_q <= rows_q - One;
      planes_left_q <= planes_left_q - One;
      run_left_q <= first_run(wraps_q, rows_q - One, planes_left_q - One, bytes_q);
    end else if (piece && row_is_last) begin
      address_q <= plane_q + plane_stride_q;
      plane_q <= plane_q + plane_stride_q;
      rows_left_q <= rows_q;
      planes_left_q <= planes_left_q - One;
      run_left_q <= first_run(wraps_q, rows_q, planes_left_q - One, bytes_q);
    end else if (piece) begin
      address_q <= address_q + address_t'(p_bytes_o) + row_gap_q;
      rows_left_q <= rows_left_q - One;
      run_left_q <= first_run(wraps_q, rows_left_q - One, planes_left_q, bytes_q);
    end
  end

endmodule
