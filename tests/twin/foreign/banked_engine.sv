// Four held rows of eight fp16 elements against a stream. A command of more k comes in blocks of eight, each with its rows
// and all vectors; the sums lie in a memory outside that is read by a vector's number, a cycle late, and written by it.
module banked_engine (
  input  logic         clk,
  input  logic         nrst,
  input  logic         go,
  output logic         busy,
  input  logic [2:0]   rows,
  input  logic [6:0]   vectors,
  input  logic [4:0]   blocks,
  input  logic         fresh,

  input  logic         row_valid,
  output logic         row_take,
  input  logic [127:0] row,
  input  logic [7:0]   row_lanes,

  input  logic         vector_valid,
  output logic         vector_take,
  input  logic [127:0] vector,

  output logic [6:0]   read_at,
  input  logic [127:0] read,
  output logic         write,
  output logic [6:0]   write_at,
  output logic [2:0]   write_count,
  output logic [127:0] written
);

  logic         loads, first;
  logic [4:0]   left;
  logic [2:0]   loaded, rows_there;
  logic [6:0]   at, count;
  logic [7:0]   lanes;
  logic [3:0][127:0] held;
  logic         met;       // a vector went in the cycle before
  logic         met_first;
  logic [6:0]   met_at;
  logic [7:0]   met_lanes;
  logic [127:0] met_vector;

  assign row_take = busy && loads;
  assign vector_take = busy && !loads;
  assign read_at = at;

  function automatic logic [127:0] chained();
    logic [127:0] sums;
    logic [31:0]  sum;
    sums = '0;
    for (int unsigned r = 0; r < 4; r++) begin
      sum = met_first ? 32'h0 : read[r*32 +: 32];
      for (int unsigned l = 0; l < 8; l++)
        if (met_lanes[l])
          sum = fp_pkg::fma(fp_pkg::decode(isa_pkg::DTYPE_FP16, held[r][l*16 +: 16]),
                            fp_pkg::decode(isa_pkg::DTYPE_FP16, met_vector[l*16 +: 16]), sum);
      if (r < 32'(rows_there)) sums[r*32 +: 32] = sum;
    end
    return sums;
  endfunction

  always_ff @(posedge clk or negedge nrst)
    if (!nrst) begin
      {busy, loads, first, left, loaded, rows_there, at, count, met, met_first, met_at, write, write_at} <= '0;
    end else begin
      met <= 1'b0;
      write <= met;
      write_at <= met_at;
      if (go && !busy && !met && !write) begin
        busy <= 1'b1;
        loads <= 1'b1;
        first <= fresh;
        left <= blocks;
        rows_there <= rows;
        count <= vectors;
        {loaded, at} <= '0;
      end
      if (row_valid && row_take) begin
        loaded <= loaded + 3'd1;
        loads <= loaded + 3'd1 != rows_there;
      end
      if (vector_valid && vector_take) begin
        met <= 1'b1;
        met_at <= at;
        met_first <= first;
        at <= at + 7'd1;
        if (at + 7'd1 == count) begin
          at <= '0;
          first <= 1'b0;
          loaded <= '0;
          loads <= 1'b1;
          left <= left - 5'd1;
          busy <= left != 5'd1;
        end
      end
    end

  always_ff @(posedge clk) begin
    if (row_valid && row_take) begin
      held[loaded[1:0]] <= row;
      lanes <= row_lanes;
    end
    met_vector <= vector;
    met_lanes <= lanes;
    written <= chained();
    write_count <= rows_there;
  end

endmodule
