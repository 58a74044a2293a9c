// The vector engine's lookup path: the non-linear functions of base/math_kernels.h, bit for bit, from tables of
// coefficients and fp32 operations in that text's order.
//
// A beat of up to Rate elements goes in when x_valid and x_ready, and comes out Latency cycles later: x_count results of
// x_op (exponential, logarithm, tanh, erf, sigmoid, reciprocal), rounded to x_type; results of narrow types lie in the low bits of
// their lane. A beat that nobody takes stops the whole pipeline: x_ready is y_ready then, else it is up; all other outputs depend on
// registers only. The arithmetic is one cycle's logic at the pipeline's front: where registers cut it is left to
// retiming over Latency.
module vector_lookup #(
  parameter int unsigned Rate = 32,
  parameter int unsigned Latency = 24,
  localparam int unsigned CountBits = $clog2(Rate + 1)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic                  x_valid_i,
  output logic                  x_ready_o,
  input  logic [5:0]            x_op_i,
  input  logic [2:0]            x_type_i,
  input  logic [CountBits-1:0]  x_count_i,
  input  logic [Rate-1:0][31:0] x_data_i,

  output logic                  y_valid_o,
  input  logic                  y_ready_i,
  output logic [CountBits-1:0]  y_count_o,
  output logic [Rate-1:0][31:0] y_data_o
);

  // ---- the pipeline: a beat stays in its slot until the slot comes round ----
  localparam int unsigned SlotBits = Latency > 1 ? $clog2(Latency) : 1;
  localparam logic [SlotBits-1:0] LastSlot = SlotBits'(Latency - 1);

  logic [SlotBits-1:0]   slot_q;
  logic [Latency-1:0]    valid_q;
  logic [CountBits-1:0]  count_q[Latency];
  logic [Rate-1:0][31:0] pipe_q[Latency];
  logic                  stopped, beat;

  assign y_valid_o = valid_q[slot_q];
  assign y_count_o = count_q[slot_q];
  assign y_data_o = pipe_q[slot_q];
  assign stopped = y_valid_o && !y_ready_i;
  assign x_ready_o = !stopped;
  assign beat = x_valid_i && x_ready_o;

  function automatic logic [Rate-1:0][31:0] results();
    logic [Rate-1:0][31:0] r;
    r = '0;
    for (int unsigned l = 0; l < Rate; l++)
      if (l < 32'(x_count_i))
        r[l] = fp_pkg::convert(isa_pkg::dtype_e'(x_type_i), function_pkg::value_of(isa_pkg::vector_op_e'(x_op_i), x_data_i[l]));
    return r;
  endfunction

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      slot_q <= '0;
      valid_q <= '0;
    end else if (!stopped) begin
      slot_q <= slot_q == LastSlot ? '0 : slot_q + 1'b1;
      valid_q[slot_q] <= beat;
    end
  end

  always_ff @(posedge clk_i) begin
    if (beat) begin
      pipe_q[slot_q] <= results();
      count_q[slot_q] <= x_count_i;
    end
  end

endmodule
