// The matrix engine of a PE: tiles of 32 held rows (Rows) that share one stream, as model/matrix_engine.
//
// Channels: cmd (start), h (a held row of every tile), s (a streamed vector), c (a vector of sums). Data lanes are 16
// bits wide: 8-bit elements lie in the low byte. The accumulators lie in the reduction engine's banks: a_index_o names
// the vector whose sums stream this cycle meets, a_data_i are they; c writes them back a cycle later. A command: fill
// the pipeline unless it follows another without a gap, load the first held block unless that happened while the
// command before it streamed, then each k-block streams n vectors and lasts 32 cycles at least, in which the next
// block's rows are loaded. An engine that falls idle forgets what it loaded ahead. cmd_ready_o depends on s_valid_i in
// the last cycle of a command; all other outputs depend on registers only. The chain of additions is written as one
// cycle's logic: where registers cut it is left to retiming over PipelineCycles.
module matrix_engine #(
  parameter int unsigned Tiles = 2,
  parameter int unsigned InnerBytes = 32,
  parameter int unsigned PipelineCycles = 16,
  parameter bit          DoubleRate8Bit = 1'b1,
  parameter int unsigned Rows = 32,  // of a tile
  localparam int unsigned Lanes = DoubleRate8Bit ? InnerBytes : InnerBytes / 2
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,

  input  logic                         cmd_valid_i,
  output logic                         cmd_ready_o,
  input  logic [2:0]                   cmd_held_type_i,
  input  logic [2:0]                   cmd_stream_type_i,
  input  logic [15:0]                  cmd_m_i,
  input  logic [15:0]                  cmd_n_i,
  input  logic [15:0]                  cmd_k_i,
  input  logic                         cmd_first_i,

  input  logic                         h_valid_i,
  output logic                         h_ready_o,
  input  logic [2:0]                   h_type_i,
  input  logic [Tiles-1:0][Lanes*16-1:0] h_data_i,

  input  logic                         s_valid_i,
  output logic                         s_ready_o,
  input  logic [Lanes*16-1:0]          s_data_i,

  output logic [15:0]                  a_index_o,
  input  logic [Tiles-1:0][Rows-1:0][31:0] a_data_i,

  output logic                         c_valid_o,
  output logic [15:0]                  c_index_o,
  output logic [Tiles-1:0][Rows-1:0][31:0] c_data_o,
  output logic                         done_o
);

  localparam logic [15:0] LoadCycles = 16'(Rows);

  typedef enum logic [1:0] {Idle, Fill, Load, Stream} state_e;

  state_e          state_q;
  isa_pkg::dtype_e held_type_q, stream_type_q;
  logic [15:0]     m_q, n_q, left_q;  // left: k of this block and those after it
  logic            zero_q;            // the block starts from zero
  logic [15:0]     wait_q;            // cycles of the fill that are left
  logic [15:0]     beat_q;
  logic [5:0]      loaded_q;          // rows in the buffer that is not in use
  logic            buffer_q;          // held buffer in use
  logic            c_valid_q, done_q;
  logic [15:0]     c_index_q;

  logic [15:0] block_lanes, lanes;
  logic        has_vector, beat_done, block_done, last_block, command_done, start, load, stream;

  function automatic logic is_8bit(isa_pkg::dtype_e dtype);
    return dtype == isa_pkg::DTYPE_FP8_E4M3 || dtype == isa_pkg::DTYPE_FP8_E5M2;
  endfunction

  assign block_lanes = DoubleRate8Bit && is_8bit(held_type_q) ? 16'(InnerBytes) : 16'(InnerBytes / 2);
  assign last_block = left_q <= block_lanes;
  assign lanes = last_block ? left_q : block_lanes;
  assign has_vector = beat_q < n_q;
  assign beat_done = state_q == Stream && (!has_vector || s_valid_i);
  assign block_done = beat_done && beat_q + 16'd1 >= n_q && beat_q + 16'd1 >= LoadCycles;
  assign command_done = block_done && last_block;

  assign cmd_ready_o = state_q == Idle || command_done;
  assign h_ready_o = (state_q == Load || state_q == Stream) && loaded_q != 6'(Rows);
  assign s_ready_o = state_q == Stream && has_vector;
  assign a_index_o = beat_q;
  assign c_valid_o = c_valid_q;
  assign c_index_o = c_index_q;
  assign done_o = done_q;

  assign start = cmd_valid_i && cmd_ready_o;
  assign load = h_valid_i && h_ready_o;
  assign stream = s_valid_i && s_ready_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    logic [5:0] loaded;
    if (!rst_ni) begin
      state_q <= Idle;
      held_type_q <= isa_pkg::DTYPE_BF16;
      stream_type_q <= isa_pkg::DTYPE_BF16;
      {m_q, n_q, left_q, wait_q, beat_q, c_index_q} <= '0;
      {zero_q, buffer_q, c_valid_q, done_q} <= '0;
      loaded_q <= '0;
    end else begin
      loaded = loaded_q + 6'(load);
      c_valid_q <= stream;
      c_index_q <= beat_q;
      done_q <= command_done;
      loaded_q <= loaded;
      if (state_q == Fill) begin
        wait_q <= wait_q - 16'd1;
        if (wait_q == 16'd1) state_q <= Load;
      end
      if (beat_done) beat_q <= beat_q + 16'd1;
      if (block_done) begin
        beat_q <= '0;
        left_q <= left_q - lanes;
        zero_q <= 1'b0;
        state_q <= Load;
      end
      if (command_done && !start) begin
        state_q <= Idle;
        loaded_q <= '0;
      end
      if (start) begin
        held_type_q <= isa_pkg::dtype_e'(cmd_held_type_i);
        stream_type_q <= isa_pkg::dtype_e'(cmd_stream_type_i);
        m_q <= cmd_m_i;
        n_q <= cmd_n_i;
        left_q <= cmd_k_i;
        zero_q <= cmd_first_i;
        beat_q <= '0;
        wait_q <= 16'(PipelineCycles);
        state_q <= state_q == Idle && PipelineCycles != 0 ? Fill : Load;
      end
      // A full buffer comes into use as soon as nothing streams from the other one.
      if (loaded == 6'(Rows) && (state_q == Load || (block_done && (!command_done || start)))) begin
        state_q <= Stream;
        buffer_q <= !buffer_q;
        loaded_q <= '0;
      end
    end
  end

  fp_pkg::operand_t [Lanes-1:0] vector;

  function automatic logic [Lanes*$bits(fp_pkg::operand_t)-1:0] decode_vector(logic [Lanes*16-1:0] data);
    logic [Lanes*$bits(fp_pkg::operand_t)-1:0] decoded;
    decoded = '0;
    for (int unsigned l = 0; l < Lanes; l++)
      decoded[l*$bits(fp_pkg::operand_t) +: $bits(fp_pkg::operand_t)] =
          fp_pkg::decode(stream_type_q, data[l*16 +: 16]);
    return decoded;
  endfunction

  always_comb begin
    vector = '0;
    if (stream) vector = decode_vector(s_data_i);
  end

  for (genvar t = 0; t < Tiles; t++) begin : gen_tile
    logic [5:0] rows;
    assign rows = m_q >= 16'(Rows * t + Rows) ? 6'(Rows) : m_q <= 16'(Rows * t) ? 6'd0 : 6'(m_q - 16'(Rows * t));
    matrix_tile #(.Lanes(Lanes), .Rows(Rows)) i_tile (
      .clk_i,
      .load_i(load),
      .load_buffer_i(!buffer_q),
      .load_row_i(loaded_q[$clog2(Rows)-1:0]),
      .load_type_i(isa_pkg::dtype_e'(h_type_i)),
      .load_data_i(h_data_i[t]),
      .stream_i(stream),
      .stream_buffer_i(buffer_q),
      .rows_i(rows),
      .lanes_i(lanes),
      .stream_data_i(vector),
      .a_data_i(zero_q ? '0 : a_data_i[t]),
      .c_data_o(c_data_o[t])
    );
  end

endmodule
