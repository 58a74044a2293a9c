// A reduction engine to be checked cycle by cycle: the reference of rtl/ behind another team's names, an active-high reset
// and a command in one word, as a block under rework would stand beside it.
module lockstep_engine #(
  parameter int unsigned RATE = 32,
  parameter int unsigned LINK = 64,
  parameter int unsigned DELAY = 16,
  localparam int unsigned LANES = RATE > LINK / 4 ? RATE : LINK / 4
) (
  input  logic                clk,
  input  logic                rst,
  input  logic                req,
  output logic                ack,
  input  logic [26:0]         what,        // [7:0] operation, [10:8] type, [26:11] elements
  input  logic                store_in,
  output logic                store_in_ack,
  input  logic [LANES*32-1:0] store_data,
  input  logic                link_in,
  output logic                link_in_ack,
  input  logic [LANES*32-1:0] link_data,
  output logic [15:0]         address,
  input  logic [LANES*32-1:0] accumulators,
  output logic                write,
  output logic                store_out,
  input  logic                store_full,
  output logic                link_out,
  input  logic                link_full,
  output logic [15:0]         first,
  output logic [15:0]         number,
  output logic [LANES*32-1:0] out,
  output logic                over
);

  logic [LANES*32-1:0] result;
  assign out = result;

  reduction_engine #(.Rate(RATE), .LinkBytes(LINK), .Latency(DELAY)) i_engine (
    .clk_i(clk), .rst_ni(!rst),
    .cmd_valid_i(req), .cmd_ready_o(ack), .cmd_op_i(what[7:0]), .cmd_dst_type_i(what[10:8]), .cmd_count_i(what[26:11]),
    .f_valid_i(store_in), .f_ready_o(store_in_ack), .f_data_i(store_data),
    .g_valid_i(link_in), .g_ready_o(link_in_ack), .g_data_i(link_data),
    .b_index_o(address), .b_data_i(accumulators), .w_valid_o(write),
    .d_valid_o(store_out), .d_ready_i(!store_full), .p_valid_o(link_out), .p_ready_i(!link_full),
    .index_o(first), .count_o(number), .data_o(result), .done_o(over)
  );

endmodule
