// A reduction engine as another team might have made it: AXI-Stream all over, half as many lanes, two register stages, its
// own codes, drains to fp32 and bf16 and sums with what a neighbour sent. One command at a time.
module axis_reducer #(
  parameter int unsigned LANES = 16
) (
  input  logic                aclk,
  input  logic                aresetn,

  input  logic                s_axis_cmd_tvalid,
  output logic                s_axis_cmd_tready,
  input  logic [31:0]         s_axis_cmd_tdata,   // [0] sum, [1] to bf16, [31:16] elements

  input  logic                s_axis_bank_tvalid,
  output logic                s_axis_bank_tready,
  input  logic [LANES*32-1:0] s_axis_bank_tdata,
  input  logic                s_axis_bank_tlast,

  input  logic                s_axis_net_tvalid,
  output logic                s_axis_net_tready,
  input  logic [LANES*32-1:0] s_axis_net_tdata,

  output logic                m_axis_store_tvalid,
  input  logic                m_axis_store_tready,
  output logic [LANES*32-1:0] m_axis_store_tdata,
  output logic                m_axis_store_tlast,

  output logic                m_axis_sum_tvalid,
  output logic [LANES*32-1:0] m_axis_sum_tdata
);

  logic                busy, sum, narrow;
  logic                valid0, valid1, last0, last1;
  logic [LANES*32-1:0] data0, data1;

  logic advance, beat;
  assign advance = !valid1 || sum || m_axis_store_tready;
  assign beat = busy && advance && s_axis_bank_tvalid && (!sum || s_axis_net_tvalid);

  assign s_axis_cmd_tready = !busy && !valid0 && !valid1;
  assign s_axis_bank_tready = busy && advance && (!sum || s_axis_net_tvalid);
  assign s_axis_net_tready = busy && advance && sum && s_axis_bank_tvalid;
  assign m_axis_store_tvalid = valid1 && !sum;
  assign m_axis_store_tdata = data1;
  assign m_axis_store_tlast = last1;
  assign m_axis_sum_tvalid = valid1 && sum;
  assign m_axis_sum_tdata = data1;

  function automatic logic [31:0] to_bf16(logic [31:0] x);
    logic [31:0] rounded;
    if (x[30:23] == 8'hff && x[22:0] != 0) return 32'h7fc0;
    rounded = x + 32'h7fff + 32'(x[16]);
    return {16'h0, rounded[31:16]};
  endfunction

  function automatic logic [LANES*32-1:0] result();
    logic [LANES*32-1:0] all;
    all = s_axis_bank_tdata;
    for (int unsigned l = 0; l < LANES; l++)
      if (sum) all[l*32 +: 32] = fp_pkg::add(s_axis_net_tdata[l*32 +: 32], s_axis_bank_tdata[l*32 +: 32]);
      else if (narrow) all[l*32 +: 32] = to_bf16(s_axis_bank_tdata[l*32 +: 32]);
    return all;
  endfunction

  always_ff @(posedge aclk) begin
    if (!aresetn) begin
      {busy, sum, narrow, valid0, valid1, last0, last1} <= '0;
    end else begin
      if (s_axis_cmd_tvalid && s_axis_cmd_tready) begin
        busy <= s_axis_cmd_tdata[31:16] != 0;
        sum <= s_axis_cmd_tdata[0];
        narrow <= s_axis_cmd_tdata[1];
      end
      if (beat && s_axis_bank_tlast) busy <= 1'b0;
      if (advance) begin
        valid0 <= beat;
        last0 <= s_axis_bank_tlast;
        valid1 <= valid0;
        last1 <= last0;
      end
    end
  end

  always_ff @(posedge aclk)
    if (advance) begin
      data0 <= result();
      data1 <= data0;
    end

endmodule
