// A tile: Rows held rows, double buffered, against the streamed vector that all tiles share. One vector a cycle: each
// row's accumulator goes through its block's products in ascending k.
module matrix_tile #(
  parameter int unsigned Lanes = 32,
  parameter int unsigned Rows = 32,
  localparam int unsigned RowBits = $clog2(Rows)
) (
  input  logic                   clk_i,
  // a held row into the buffer that is not in use
  input  logic                   load_i,
  input  logic                   load_buffer_i,
  input  logic [RowBits-1:0]     load_row_i,
  input  isa_pkg::dtype_e        load_type_i,
  input  logic [Lanes*16-1:0]    load_data_i,
  // a streamed vector and the accumulators it meets
  input  logic                   stream_i,
  input  logic                   stream_buffer_i,
  input  logic [5:0]             rows_i,    // of this tile that are in use
  input  logic [15:0]            lanes_i,   // of this block that are in use
  input  fp_pkg::operand_t [Lanes-1:0] stream_data_i,
  input  logic [Rows-1:0][31:0]  a_data_i,
  output logic [Rows-1:0][31:0]  c_data_o
);

  localparam int unsigned OperandBits = $bits(fp_pkg::operand_t);
  localparam int unsigned Pitch = 32;  // of operands in a row: the upper bits are zero, and indexing is cheap to simulate
  typedef logic [Lanes*Pitch-1:0] row_t;

  row_t held[2*Rows];

  function automatic row_t decode_row(isa_pkg::dtype_e dtype, logic [Lanes*16-1:0] data);
    row_t row;
    row = '0;
    for (int unsigned l = 0; l < Lanes; l++)
      row[l*Pitch +: OperandBits] = fp_pkg::decode(dtype, data[l*16 +: 16]);
    return row;
  endfunction

  function automatic logic [Rows-1:0][31:0] accumulate(logic [Rows-1:0][31:0] a);
    logic [Rows-1:0][31:0] c;
    logic [31:0]           sum;
    row_t                  row, vector;
    vector = '0;
    for (int unsigned l = 0; l < Lanes; l++) vector[l*Pitch +: OperandBits] = stream_data_i[l];
    c = a;
    for (int unsigned r = 0; r < Rows; r++)
      if (r < 32'(rows_i)) begin
        row = held[{stream_buffer_i, r[RowBits-1:0]}];
        sum = a[r];
        for (int unsigned l = 0; l < Lanes; l++)
          if (l < 32'(lanes_i))
            sum = fp_pkg::fma(fp_pkg::operand_t'(row[l*Pitch +: OperandBits]),
                              fp_pkg::operand_t'(vector[l*Pitch +: OperandBits]), sum);
        c[r] = sum;
      end
    return c;
  endfunction

  always_ff @(posedge clk_i) begin
    if (load_i) held[{load_buffer_i, load_row_i}] <= decode_row(load_type_i, load_data_i);
    if (stream_i) c_data_o <= accumulate(a_data_i);
  end

endmodule
