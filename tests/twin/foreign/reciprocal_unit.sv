// 1 / x of two fp32 lanes by long division, rounded to nearest even; every input has its answer four cycles later.
module reciprocal_unit (
  input  logic        clk,
  input  logic        rst_n,
  input  logic        in_valid,
  output logic        in_ready,
  input  logic [63:0] in_data,
  input  logic [7:0]  in_keep,
  input  logic        in_last,
  output logic        out_valid,
  input  logic        out_ready,
  output logic [63:0] out_data,
  output logic [7:0]  out_keep,
  output logic        out_last
);

  localparam int unsigned Stages = 4;

  function automatic logic [31:0] inverse(logic [31:0] x);
    logic [23:0]        d;
    logic [49:0]        q;
    logic signed [9:0]  e;
    logic [24:0]        rounded;
    logic               up;
    int                 down;
    if (x[30:23] == 8'hff) return x[22:0] != 0 ? 32'h7fc00000 : {x[31], 31'h0};
    if (x[30:0] == 0) return {x[31], 8'hff, 23'h0};
    d = {x[30:23] != 0, x[22:0]};
    e = x[30:23] == 0 ? 10'sd1 : $signed({2'b0, x[30:23]});
    for (int i = 0; i < 23; i++)
      if (!d[23]) begin
        d = d << 1;
        e = e - 10'sd1;
      end
    // 2^49 / d has its first one in bit 26, or in bit 25 where d is no power of two.
    q = (50'd1 << 49) / 50'(d);
    q = {q[48:0], q * 50'(d) != (50'd1 << 49)};
    e = 10'sd254 - e;
    if (!q[27]) begin
      q = {q[48:0], 1'b0};
      e = e - 10'sd1;
    end
    // q[27:4] is the significand; beneath the normal numbers it moves down.
    down = e < 10'sd1 ? 1 - 32'(e) : 0;
    for (int i = 0; i < 4; i++)
      if (i < down) q = {1'b0, q[49:2], q[1] | q[0]};
    up = q[3] && (q[2:0] != 0 || q[4]);
    rounded = 25'(q[27:4]) + 25'(up);
    if (e >= 10'sd255) return {x[31], 8'hff, 23'h0};
    if (down != 0) return {x[31], 7'h0, rounded[23:0]};
    if (rounded[24]) return {x[31], 8'(e + 10'sd1), 23'h0};
    return {x[31], e[7:0], rounded[22:0]};
  endfunction

  logic [Stages-1:0]        valid, last;
  logic [Stages-1:0][63:0]  data;
  logic [Stages-1:0][7:0]   keep;
  logic                     moves;
  assign moves = !out_valid || out_ready;
  assign in_ready = moves;
  assign {out_valid, out_last, out_data, out_keep} = {valid[Stages-1], last[Stages-1], data[Stages-1], keep[Stages-1]};

  always_ff @(posedge clk)
    if (!rst_n) valid <= '0;
    else if (moves) begin
      valid <= {valid[Stages-2:0], in_valid};
      last <= {last[Stages-2:0], in_last};
      keep <= {keep[Stages-2:0], in_keep};
      data <= {data[Stages-2:0], inverse(in_data[63:32]), inverse(in_data[31:0])};
    end

endmodule
