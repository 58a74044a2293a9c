// The smallest matrix engine: one multiply-add a cycle, operands and sums in memories outside that answer a cycle after their
// address. It starts with a pulse and is busy until the last sum is out. fp16.
module serial_gemm (
  input  logic        clk,
  input  logic        rst,
  input  logic        start,
  output logic        ready,
  input  logic        accumulate,
  input  logic [5:0]  m,
  input  logic [5:0]  n,
  input  logic [7:0]  k,

  output logic [13:0] a_address,
  input  logic [15:0] a_word,
  output logic [13:0] b_address,
  input  logic [15:0] b_word,
  output logic [11:0] c_address,
  input  logic [31:0] c_word,
  output logic        c_write,
  output logic [31:0] c_sum
);

  typedef enum logic [1:0] {Idle, Ask, Add, Store} state_e;
  state_e      state;
  logic [5:0]  row, column;
  logic [7:0]  step;
  logic [31:0] sum;

  assign ready = state == Idle;
  assign a_address = 14'(row) * 14'(k) + 14'(step);
  assign b_address = 14'(column) * 14'(k) + 14'(step);
  assign c_address = 12'(row) * 12'(n) + 12'(column);
  assign c_write = state == Store;
  assign c_sum = sum;

  logic [31:0] from;
  assign from = step == 8'd1 ? (accumulate ? c_word : 32'h0) : sum;

  always_ff @(posedge clk)
    if (rst) begin
      state <= Idle;
      {row, column, step} <= '0;
      sum <= '0;
    end else
      case (state)
        Idle: begin
          {row, column, step} <= '0;
          if (start) state <= Ask;
        end
        Ask: begin  // the first words are on their way
          step <= 8'd1;
          state <= Add;
        end
        Add: begin
          sum <= fp_pkg::fma(fp_pkg::decode(isa_pkg::DTYPE_FP16, a_word), fp_pkg::decode(isa_pkg::DTYPE_FP16, b_word), from);
          step <= step + 8'd1;
          if (step == k) state <= Store;
        end
        default: begin
          step <= '0;
          state <= Ask;
          column <= column + 6'd1;
          if (column + 6'd1 == n) begin
            column <= '0;
            row <= row + 6'd1;
            if (row + 6'd1 == m) state <= Idle;
          end
        end
      endcase

endmodule
