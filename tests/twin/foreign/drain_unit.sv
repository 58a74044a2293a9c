// A drain unit with a plain start/stop interface: reset is active high, a stop holds it, it reads the accumulators by
// address and leaves fp32, bf16 one behind the other in the word. As many elements a cycle as the chip's engine.
module drain_unit #(
  parameter int unsigned RATE = 32,
  parameter int unsigned DELAY = 16
) (
  input  logic               clk,
  input  logic               rst,
  input  logic               start,
  output logic               idle_n,
  input  logic               half,
  input  logic [12:0]        size,
  output logic [12:0]        address,
  input  logic [RATE*32-1:0] accumulators,
  input  logic               stop,
  output logic               valid,
  output logic [RATE*16-1:0] low,
  output logic [RATE*16-1:0] high
);

  logic               busy, halves;
  logic [12:0]        taken, left;      // elements that went in, that have not come out
  logic [DELAY-1:0]   full;
  logic [RATE*32-1:0] word;
  logic [DELAY-1:0][RATE*32-1:0] words;

  assign idle_n = busy;
  assign address = taken;
  assign valid = full[DELAY-1];
  assign {high, low} = words[DELAY-1];

  always_comb begin
    logic [31:0] x;
    word = accumulators;
    x = '0;
    if (halves) begin
      word = '0;
      for (int unsigned i = 0; i < RATE; i++) begin
        x = accumulators[i*32 +: 32];
        if (x[30:23] == 8'hff && x[22:0] != 0) x = 32'h7fc00000;
        else x = x + 32'h7fff + 32'(x[16]);
        word[i*16 +: 16] = x[31:16];
      end
    end
  end

  always_ff @(posedge clk)
    if (rst) begin
      {busy, halves, full, taken, left} <= '0;
    end else if (start && !busy) begin
      busy <= 1'b1;
      halves <= half;
      taken <= '0;
      left <= size;
    end else if (!(valid && stop)) begin
      full <= {full[DELAY-2:0], busy && taken < left};
      words <= {words[DELAY-2:0], word};
      if (taken < left) taken <= taken + 13'(RATE);
      if (valid && !full[DELAY-2]) busy <= 1'b0;
    end

endmodule
