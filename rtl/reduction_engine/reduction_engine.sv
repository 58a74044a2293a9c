// The reduction engine of a PE: accumulators to and from the local store and the neighbours, as model/reduction_engine.
//
// A command moves cmd_count elements, in the order of rows, Rate a cycle (pass: LinkBytes of fp32): drain converts accumulators
// to cmd_dst_type, pass sends them on as they are, fill takes fp32 from the local store, merge adds what a neighbour
// passed. Each beat comes out Latency cycles after it went in; a command's first beat may go in in the cycle after it
// was taken. Channels: f (local store in), g (neighbour in); d (to the local store) and p (to the neighbour) with d_ready
// and p_ready, and w (to the banks), which always takes, share index, count and data. The banks lie outside: b_index_o
// names the beat's first element, b_data_i are the accumulators from it on. Narrow types come in the low bits of their
// lane. A beat that nobody takes stops the whole pipeline. All outputs depend on registers only, but for cmd_ready_o,
// which depends on d_ready_i and p_ready_i in a command's last cycle, and f_ready_o, g_ready_o, which never do. The
// arithmetic is one cycle's logic at the pipeline's front: where registers cut it is left to retiming over Latency.
module reduction_engine #(
  parameter int unsigned Rate = 32,
  parameter int unsigned LinkBytes = 64,
  parameter int unsigned Latency = 16,
  localparam int unsigned LinkLanes = LinkBytes / 4,
  localparam int unsigned Lanes = Rate > LinkLanes ? Rate : LinkLanes
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  input  logic                   cmd_valid_i,
  output logic                   cmd_ready_o,
  input  logic [7:0]             cmd_op_i,
  input  logic [2:0]             cmd_dst_type_i,
  input  logic [15:0]            cmd_count_i,

  input  logic                   f_valid_i,
  output logic                   f_ready_o,
  input  logic [Lanes-1:0][31:0] f_data_i,

  input  logic                   g_valid_i,
  output logic                   g_ready_o,
  input  logic [Lanes-1:0][31:0] g_data_i,

  output logic [15:0]            b_index_o,
  input  logic [Lanes-1:0][31:0] b_data_i,

  output logic                   w_valid_o,
  output logic                   d_valid_o,
  input  logic                   d_ready_i,
  output logic                   p_valid_o,
  input  logic                   p_ready_i,
  output logic [15:0]            index_o,
  output logic [15:0]            count_o,
  output logic [Lanes-1:0][31:0] data_o,
  output logic                   done_o
);

  localparam int unsigned SlotBits = Latency > 1 ? $clog2(Latency) : 1;
  localparam logic [SlotBits-1:0] LastSlot = SlotBits'(Latency - 1);

  isa_pkg::opcode_e       op_q;
  isa_pkg::dtype_e        dst_type_q;
  logic                   busy_q, done_q;
  logic [15:0]            in_index_q, in_left_q;    // elements that have not gone in
  logic [15:0]            out_index_q, out_left_q;  // elements that have not come out
  logic [SlotBits-1:0]    slot_q;
  logic [Latency-1:0]     valid_q;
  logic [Lanes-1:0][31:0] pipe_q[Latency];

  logic [15:0] step, in_count, out_count;
  logic        out_valid, stopped, wanted, here, beat, leave, command_done, start;

  assign step = op_q == isa_pkg::OP_PASS ? 16'(LinkLanes) : 16'(Rate);
  assign in_count = in_left_q < step ? in_left_q : step;
  assign out_count = out_left_q < step ? out_left_q : step;

  assign out_valid = valid_q[slot_q];
  assign w_valid_o = out_valid && (op_q == isa_pkg::OP_FILL || op_q == isa_pkg::OP_MERGE);
  assign d_valid_o = out_valid && op_q == isa_pkg::OP_DRAIN;
  assign p_valid_o = out_valid && op_q == isa_pkg::OP_PASS;
  assign index_o = out_index_q;
  assign count_o = out_count;
  assign data_o = pipe_q[slot_q];
  assign done_o = done_q;

  assign stopped = (d_valid_o && !d_ready_i) || (p_valid_o && !p_ready_i);
  assign wanted = busy_q && in_left_q != 0;
  assign f_ready_o = wanted && op_q == isa_pkg::OP_FILL;
  assign g_ready_o = wanted && op_q == isa_pkg::OP_MERGE;
  assign here = op_q == isa_pkg::OP_FILL ? f_valid_i : op_q == isa_pkg::OP_MERGE ? g_valid_i : 1'b1;
  assign beat = wanted && here && !stopped;
  assign leave = out_valid && !stopped;
  assign command_done = leave && out_left_q == out_count;
  assign cmd_ready_o = !busy_q || command_done;
  assign start = cmd_valid_i && cmd_ready_o;
  assign b_index_o = in_index_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      op_q <= isa_pkg::OP_DRAIN;
      dst_type_q <= isa_pkg::DTYPE_FP32;
      {busy_q, done_q} <= '0;
      {in_index_q, in_left_q, out_index_q, out_left_q} <= '0;
      slot_q <= '0;
      valid_q <= '0;
    end else begin
      done_q <= command_done;
      if (!stopped) begin
        slot_q <= slot_q == LastSlot ? '0 : slot_q + 1'b1;
        valid_q[slot_q] <= beat;
      end
      if (beat) begin
        in_index_q <= in_index_q + in_count;
        in_left_q <= in_left_q - in_count;
      end
      if (leave) begin
        out_index_q <= out_index_q + out_count;
        out_left_q <= out_left_q - out_count;
      end
      if (command_done) busy_q <= 1'b0;
      if (start) begin
        busy_q <= 1'b1;
        op_q <= isa_pkg::opcode_e'(cmd_op_i);
        dst_type_q <= isa_pkg::dtype_e'(cmd_dst_type_i);
        {in_index_q, out_index_q} <= '0;
        in_left_q <= cmd_count_i;
        out_left_q <= cmd_count_i;
      end
    end
  end

  function automatic logic [Lanes-1:0][31:0] result();
    logic [Lanes-1:0][31:0] r;
    r = b_data_i;
    if (op_q == isa_pkg::OP_FILL) r = f_data_i;
    if (op_q == isa_pkg::OP_MERGE)
      for (int unsigned l = 0; l < Lanes; l++)
        if (l < 32'(in_count)) r[l] = fp_pkg::add(g_data_i[l], b_data_i[l]);
    if (op_q == isa_pkg::OP_DRAIN)
      for (int unsigned l = 0; l < Lanes; l++)
        if (l < 32'(in_count)) r[l] = fp_pkg::convert(dst_type_q, b_data_i[l]);
    return r;
  endfunction

  always_ff @(posedge clk_i) begin
    if (beat) pipe_q[slot_q] <= result();
  end

endmodule
