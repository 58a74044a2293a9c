// A matrix engine as another team might have made it: an array of 8 x 8 sums that stay where they are. Each beat brings one
// column of the held operand and one of the streamed one, of one k; the sums leave row by row, four at a time, and a
// command that does not clear goes on from them. bf16 only, AXI-Stream, active-high reset.
module outer_array (
  input  logic              clock,
  input  logic              reset,

  input  logic              run_valid,
  output logic              run_ready,
  input  logic              run_clear,
  input  logic [5:0]        run_steps,  // k, less one

  input  logic              s_axis_left_tvalid,
  output logic              s_axis_left_tready,
  input  logic [127:0]      s_axis_left_tdata,
  input  logic              s_axis_top_tvalid,
  output logic              s_axis_top_tready,
  input  logic [127:0]      s_axis_top_tdata,
  input  logic              s_axis_top_tlast,

  output logic              m_axis_sum_tvalid,
  input  logic              m_axis_sum_tready,
  output logic [127:0]      m_axis_sum_tdata,
  output logic [15:0]       m_axis_sum_tkeep,
  output logic              m_axis_sum_tlast
);

  typedef enum logic [1:0] {Wait, Add, Leave} phase_e;
  phase_e      phase;
  logic [5:0]  steps;
  logic [3:0]  leaving;  // row and half
  logic [63:0][31:0] sums;

  logic both;
  assign both = phase == Add && s_axis_left_tvalid && s_axis_top_tvalid;
  assign run_ready = phase == Wait;
  assign s_axis_left_tready = both;
  assign s_axis_top_tready = both;
  assign m_axis_sum_tvalid = phase == Leave;
  assign m_axis_sum_tkeep = '1;
  assign m_axis_sum_tlast = leaving[0];
  assign m_axis_sum_tdata = {sums[{leaving, 2'd3}], sums[{leaving, 2'd2}], sums[{leaving, 2'd1}], sums[{leaving, 2'd0}]};

  function automatic logic [63:0][31:0] added(logic [63:0][31:0] old);
    logic [63:0][31:0] result;
    fp_pkg::operand_t  left, top;
    result = old;
    for (int unsigned i = 0; i < 8; i++) begin
      left = fp_pkg::decode(isa_pkg::DTYPE_BF16, s_axis_left_tdata[i*16 +: 16]);
      for (int unsigned j = 0; j < 8; j++) begin
        top = fp_pkg::decode(isa_pkg::DTYPE_BF16, s_axis_top_tdata[j*16 +: 16]);
        result[i*8+j] = fp_pkg::fma(left, top, old[i*8+j]);
      end
    end
    return result;
  endfunction

  always_ff @(posedge clock)
    if (reset) begin
      phase <= Wait;
      steps <= '0;
      leaving <= '0;
      sums <= '0;
    end else begin
      if (run_valid && run_ready) begin
        phase <= Add;
        steps <= run_steps;
        if (run_clear) sums <= '0;
      end
      if (both) begin
        sums <= added(sums);
        steps <= steps - 6'd1;
        if (steps == 0) phase <= Leave;
      end
      if (m_axis_sum_tvalid && m_axis_sum_tready) begin
        leaving <= leaving + 4'd1;
        if (leaving == 4'd15) phase <= Wait;
      end
    end

endmodule
