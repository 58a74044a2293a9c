// A dot product unit of four fp8 lanes: pairs of words go in, one sum comes out for each pair of rows. It adds the four
// products of a word in a tree, so its sums are not those of a chain. No commands: the pins in front say how many words a row
// has and of what type they are.
module dot_unit (
  input  logic        clk,
  input  logic        resetn,
  input  logic [3:0]  words,
  input  logic        wide_exponent,  // e5m2, else e4m3

  input  logic        x_valid,
  output logic        x_ready,
  input  logic [31:0] x,
  input  logic        y_valid,
  output logic        y_ready,
  input  logic [31:0] y,
  input  logic        start_valid,
  output logic        start_ready,
  input  logic [31:0] start,

  output logic        sum_valid,
  input  logic        sum_ready,
  output logic [31:0] sum
);

  logic [3:0] word;
  logic       begins, go;
  assign begins = word == 0;
  assign go = x_valid && y_valid && (!begins || start_valid) && !sum_valid;
  assign x_ready = go;
  assign y_ready = go;
  assign start_ready = go && begins;

  function automatic logic [31:0] product(logic [7:0] a, logic [7:0] b);
    isa_pkg::dtype_e format;
    format = wide_exponent ? isa_pkg::DTYPE_FP8_E5M2 : isa_pkg::DTYPE_FP8_E4M3;
    return fp_pkg::fma(fp_pkg::decode(format, {8'h0, a}), fp_pkg::decode(format, {8'h0, b}), 32'h0);
  endfunction

  function automatic logic [31:0] tree();
    return fp_pkg::add(fp_pkg::add(product(x[7:0], y[7:0]), product(x[15:8], y[15:8])),
                       fp_pkg::add(product(x[23:16], y[23:16]), product(x[31:24], y[31:24])));
  endfunction

  always_ff @(posedge clk)
    if (!resetn) begin
      word <= '0;
      sum <= '0;
      sum_valid <= 1'b0;
    end else begin
      if (sum_ready) sum_valid <= 1'b0;
      if (go) begin
        sum <= fp_pkg::add(begins ? start : sum, tree());
        word <= word + 4'd1 == words ? '0 : word + 4'd1;
        sum_valid <= word + 4'd1 == words;
      end
    end

endmodule
