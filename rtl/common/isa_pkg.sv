// The instruction encoding for RTL. Generated from isa/instructions.inc by isa/systemverilog.cpp: do not edit,
// run `LETO_RENEW_DOCS=1 test_isa`. A word is logic [127:0]; field F of instruction I is
// word[I_F_LSB +: I_F_BITS].
package isa_pkg;

  localparam logic [63:0] ISA_HASH = 64'h840613a37a7fcc14;
  localparam int unsigned OPCODE_LSB = 0;
  localparam int unsigned OPCODE_BITS = 8;
  localparam int unsigned SOURCE_LSB = 8;
  localparam int unsigned SOURCE_BITS = 20;

  typedef enum logic [7:0] {
    OP_SET = 8'h01,
    OP_ADD = 8'h02,
    OP_ADDI = 8'h03,
    OP_SUB = 8'h04,
    OP_MUL = 8'h05,
    OP_MULI = 8'h06,
    OP_DIV = 8'h07,
    OP_REM = 8'h08,
    OP_MIN = 8'h09,
    OP_MAX = 8'h0a,
    OP_WHERE = 8'h0b,
    OP_LOOP = 8'h0c,
    OP_END = 8'h0d,
    OP_BARRIER = 8'h10,
    OP_POST = 8'h11,
    OP_WAIT = 8'h12,
    OP_BUFFER = 8'h18,
    OP_LOAD = 8'h20,
    OP_STORE = 8'h21,
    OP_GATHER = 8'h22,
    OP_SCATTER = 8'h23,
    OP_MATMUL = 8'h28,
    OP_DRAIN = 8'h30,
    OP_FILL = 8'h31,
    OP_PASS = 8'h32,
    OP_MERGE = 8'h33,
    OP_VECTOR = 8'h38,
    OP_COLLECT = 8'h39,
    OP_TRANSPOSE = 8'h40,
    OP_COPY = 8'h41,
    OP_COUNT = 8'h42,
    OP_OFFSETS = 8'h43,
    OP_GROUP = 8'h44,
    OP_NUMBER = 8'h45,
    OP_SPREAD = 8'h24
  } opcode_e;

  typedef enum logic [2:0] {
    DTYPE_FP32 = 3'd0,
    DTYPE_BF16 = 3'd1,
    DTYPE_FP16 = 3'd2,
    DTYPE_FP8_E4M3 = 3'd3,
    DTYPE_FP8_E5M2 = 3'd4,
    DTYPE_INT8 = 3'd5,
    DTYPE_INT32 = 3'd6,
    DTYPE_INT64 = 3'd7
  } dtype_e;

  typedef enum logic [2:0] {
    COORDINATE_ROW = 3'd0,
    COORDINATE_COLUMN = 3'd1,
    COORDINATE_INDEX = 3'd2,
    COORDINATE_ROWS = 3'd3,
    COORDINATE_COLUMNS = 3'd4,
    COORDINATE_COUNT = 3'd5
  } coordinate_e;

  typedef enum logic [0:0] {
    SCOPE_PE = 1'd0,
    SCOPE_ALL = 1'd1
  } scope_e;

  typedef enum logic [1:0] {
    MULTICAST_NONE = 2'd0,
    MULTICAST_ROW = 2'd1,
    MULTICAST_COLUMN = 2'd2,
    MULTICAST_ALL = 2'd3
  } multicast_e;

  typedef enum logic [1:0] {
    DIRECTION_NORTH = 2'd0,
    DIRECTION_EAST = 2'd1,
    DIRECTION_SOUTH = 2'd2,
    DIRECTION_WEST = 2'd3
  } direction_e;

  typedef enum logic [1:0] {
    BROADCAST_FULL = 2'd0,
    BROADCAST_ROW = 2'd1,
    BROADCAST_COLUMN = 2'd2,
    BROADCAST_IMMEDIATE = 2'd3
  } broadcast_e;

  typedef enum logic [1:0] {
    REDUCE_NONE = 2'd0,
    REDUCE_ROW_SUM = 2'd1,
    REDUCE_ROW_MAX = 2'd2,
    REDUCE_COLUMN_SUM = 2'd3
  } reduce_e;

  typedef enum logic [5:0] {
    VECTOR_OP_COPY = 6'd0,
    VECTOR_OP_ADD = 6'd1,
    VECTOR_OP_SUBTRACT = 6'd2,
    VECTOR_OP_MULTIPLY = 6'd3,
    VECTOR_OP_MAXIMUM = 6'd4,
    VECTOR_OP_MINIMUM = 6'd5,
    VECTOR_OP_GREATER_EQUAL = 6'd6,
    VECTOR_OP_GREATER = 6'd7,
    VECTOR_OP_EQUAL = 6'd8,
    VECTOR_OP_COLUMN_IS = 6'd9,
    VECTOR_OP_RECIPROCAL = 6'd10,
    VECTOR_OP_SQUARE_ROOT = 6'd11,
    VECTOR_OP_RECIPROCAL_SQUARE_ROOT = 6'd12,
    VECTOR_OP_EXPONENTIAL = 6'd13,
    VECTOR_OP_LOGARITHM = 6'd14,
    VECTOR_OP_TANH = 6'd15,
    VECTOR_OP_ERF = 6'd16,
    VECTOR_OP_SIGMOID = 6'd17,
    VECTOR_OP_ABSOLUTE = 6'd18,
    VECTOR_OP_NEGATE = 6'd19,
    VECTOR_OP_RELU = 6'd20,
    VECTOR_OP_KEEP = 6'd21
  } vector_op_e;

  // set
  localparam int unsigned SET_RD_LSB = 28;
  localparam int unsigned SET_RD_BITS = 6;
  localparam int unsigned SET_VALUE_LSB = 34;
  localparam int unsigned SET_VALUE_BITS = 56;

  // add
  localparam int unsigned ADD_RD_LSB = 28;
  localparam int unsigned ADD_RD_BITS = 6;
  localparam int unsigned ADD_RA_LSB = 34;
  localparam int unsigned ADD_RA_BITS = 6;
  localparam int unsigned ADD_RB_LSB = 40;
  localparam int unsigned ADD_RB_BITS = 6;

  // addi
  localparam int unsigned ADDI_RD_LSB = 28;
  localparam int unsigned ADDI_RD_BITS = 6;
  localparam int unsigned ADDI_RA_LSB = 34;
  localparam int unsigned ADDI_RA_BITS = 6;
  localparam int unsigned ADDI_VALUE_LSB = 40;
  localparam int unsigned ADDI_VALUE_BITS = 56;

  // sub
  localparam int unsigned SUB_RD_LSB = 28;
  localparam int unsigned SUB_RD_BITS = 6;
  localparam int unsigned SUB_RA_LSB = 34;
  localparam int unsigned SUB_RA_BITS = 6;
  localparam int unsigned SUB_RB_LSB = 40;
  localparam int unsigned SUB_RB_BITS = 6;

  // mul
  localparam int unsigned MUL_RD_LSB = 28;
  localparam int unsigned MUL_RD_BITS = 6;
  localparam int unsigned MUL_RA_LSB = 34;
  localparam int unsigned MUL_RA_BITS = 6;
  localparam int unsigned MUL_RB_LSB = 40;
  localparam int unsigned MUL_RB_BITS = 6;

  // muli
  localparam int unsigned MULI_RD_LSB = 28;
  localparam int unsigned MULI_RD_BITS = 6;
  localparam int unsigned MULI_RA_LSB = 34;
  localparam int unsigned MULI_RA_BITS = 6;
  localparam int unsigned MULI_VALUE_LSB = 40;
  localparam int unsigned MULI_VALUE_BITS = 56;

  // div
  localparam int unsigned DIV_RD_LSB = 28;
  localparam int unsigned DIV_RD_BITS = 6;
  localparam int unsigned DIV_RA_LSB = 34;
  localparam int unsigned DIV_RA_BITS = 6;
  localparam int unsigned DIV_RB_LSB = 40;
  localparam int unsigned DIV_RB_BITS = 6;

  // rem
  localparam int unsigned REM_RD_LSB = 28;
  localparam int unsigned REM_RD_BITS = 6;
  localparam int unsigned REM_RA_LSB = 34;
  localparam int unsigned REM_RA_BITS = 6;
  localparam int unsigned REM_RB_LSB = 40;
  localparam int unsigned REM_RB_BITS = 6;

  // min
  localparam int unsigned MIN_RD_LSB = 28;
  localparam int unsigned MIN_RD_BITS = 6;
  localparam int unsigned MIN_RA_LSB = 34;
  localparam int unsigned MIN_RA_BITS = 6;
  localparam int unsigned MIN_RB_LSB = 40;
  localparam int unsigned MIN_RB_BITS = 6;

  // max
  localparam int unsigned MAX_RD_LSB = 28;
  localparam int unsigned MAX_RD_BITS = 6;
  localparam int unsigned MAX_RA_LSB = 34;
  localparam int unsigned MAX_RA_BITS = 6;
  localparam int unsigned MAX_RB_LSB = 40;
  localparam int unsigned MAX_RB_BITS = 6;

  // where
  localparam int unsigned WHERE_RD_LSB = 28;
  localparam int unsigned WHERE_RD_BITS = 6;
  localparam int unsigned WHERE_WHICH_LSB = 34;
  localparam int unsigned WHERE_WHICH_BITS = 3;

  // loop
  localparam int unsigned LOOP_COUNT_LSB = 28;
  localparam int unsigned LOOP_COUNT_BITS = 6;
  localparam int unsigned LOOP_LENGTH_LSB = 34;
  localparam int unsigned LOOP_LENGTH_BITS = 24;
  localparam int unsigned LOOP_STEP_LSB = 58;
  localparam int unsigned LOOP_STEP_BITS = 20;

  // barrier
  localparam int unsigned BARRIER_SCOPE_LSB = 28;
  localparam int unsigned BARRIER_SCOPE_BITS = 1;
  localparam int unsigned BARRIER_BYTES_LSB = 29;
  localparam int unsigned BARRIER_BYTES_BITS = 48;
  localparam int unsigned BARRIER_CHIPS_LSB = 77;
  localparam int unsigned BARRIER_CHIPS_BITS = 16;

  // post
  localparam int unsigned POST_PE_LSB = 28;
  localparam int unsigned POST_PE_BITS = 6;
  localparam int unsigned POST_SEMAPHORE_LSB = 34;
  localparam int unsigned POST_SEMAPHORE_BITS = 4;
  localparam int unsigned POST_COUNT_LSB = 38;
  localparam int unsigned POST_COUNT_BITS = 16;

  // wait
  localparam int unsigned WAIT_SEMAPHORE_LSB = 28;
  localparam int unsigned WAIT_SEMAPHORE_BITS = 4;
  localparam int unsigned WAIT_COUNT_LSB = 32;
  localparam int unsigned WAIT_COUNT_BITS = 16;

  // buffer
  localparam int unsigned BUFFER_ID_LSB = 28;
  localparam int unsigned BUFFER_ID_BITS = 5;
  localparam int unsigned BUFFER_BASE_LSB = 33;
  localparam int unsigned BUFFER_BASE_BITS = 24;
  localparam int unsigned BUFFER_BYTES_LSB = 57;
  localparam int unsigned BUFFER_BYTES_BITS = 24;
  localparam int unsigned BUFFER_DEPTH_LSB = 81;
  localparam int unsigned BUFFER_DEPTH_BITS = 8;

  // load
  localparam int unsigned LOAD_DST_LSB = 28;
  localparam int unsigned LOAD_DST_BITS = 5;
  localparam int unsigned LOAD_DST_OFFSET_LSB = 33;
  localparam int unsigned LOAD_DST_OFFSET_BITS = 6;
  localparam int unsigned LOAD_RESERVE_LSB = 39;
  localparam int unsigned LOAD_RESERVE_BITS = 1;
  localparam int unsigned LOAD_PUSH_LSB = 40;
  localparam int unsigned LOAD_PUSH_BITS = 1;
  localparam int unsigned LOAD_ADDRESS_LSB = 41;
  localparam int unsigned LOAD_ADDRESS_BITS = 6;
  localparam int unsigned LOAD_SHAPE_LSB = 47;
  localparam int unsigned LOAD_SHAPE_BITS = 6;
  localparam int unsigned LOAD_MULTICAST_LSB = 53;
  localparam int unsigned LOAD_MULTICAST_BITS = 2;

  // store
  localparam int unsigned STORE_SRC_LSB = 28;
  localparam int unsigned STORE_SRC_BITS = 5;
  localparam int unsigned STORE_SRC_OFFSET_LSB = 33;
  localparam int unsigned STORE_SRC_OFFSET_BITS = 6;
  localparam int unsigned STORE_WAIT_LSB = 39;
  localparam int unsigned STORE_WAIT_BITS = 1;
  localparam int unsigned STORE_POP_LSB = 40;
  localparam int unsigned STORE_POP_BITS = 1;
  localparam int unsigned STORE_ADDRESS_LSB = 41;
  localparam int unsigned STORE_ADDRESS_BITS = 6;
  localparam int unsigned STORE_SHAPE_LSB = 47;
  localparam int unsigned STORE_SHAPE_BITS = 6;

  // gather
  localparam int unsigned GATHER_DST_LSB = 28;
  localparam int unsigned GATHER_DST_BITS = 5;
  localparam int unsigned GATHER_DST_OFFSET_LSB = 33;
  localparam int unsigned GATHER_DST_OFFSET_BITS = 6;
  localparam int unsigned GATHER_RESERVE_LSB = 39;
  localparam int unsigned GATHER_RESERVE_BITS = 1;
  localparam int unsigned GATHER_PUSH_LSB = 40;
  localparam int unsigned GATHER_PUSH_BITS = 1;
  localparam int unsigned GATHER_INDEX_LSB = 41;
  localparam int unsigned GATHER_INDEX_BITS = 5;
  localparam int unsigned GATHER_INDEX_OFFSET_LSB = 46;
  localparam int unsigned GATHER_INDEX_OFFSET_BITS = 6;
  localparam int unsigned GATHER_WAIT_LSB = 52;
  localparam int unsigned GATHER_WAIT_BITS = 1;
  localparam int unsigned GATHER_POP_LSB = 53;
  localparam int unsigned GATHER_POP_BITS = 1;
  localparam int unsigned GATHER_INDEX_TYPE_LSB = 54;
  localparam int unsigned GATHER_INDEX_TYPE_BITS = 3;
  localparam int unsigned GATHER_ADDRESS_LSB = 57;
  localparam int unsigned GATHER_ADDRESS_BITS = 6;
  localparam int unsigned GATHER_SHAPE_LSB = 63;
  localparam int unsigned GATHER_SHAPE_BITS = 6;

  // scatter
  localparam int unsigned SCATTER_SRC_LSB = 28;
  localparam int unsigned SCATTER_SRC_BITS = 5;
  localparam int unsigned SCATTER_SRC_OFFSET_LSB = 33;
  localparam int unsigned SCATTER_SRC_OFFSET_BITS = 6;
  localparam int unsigned SCATTER_WAIT_LSB = 39;
  localparam int unsigned SCATTER_WAIT_BITS = 1;
  localparam int unsigned SCATTER_POP_LSB = 40;
  localparam int unsigned SCATTER_POP_BITS = 1;
  localparam int unsigned SCATTER_INDEX_LSB = 41;
  localparam int unsigned SCATTER_INDEX_BITS = 5;
  localparam int unsigned SCATTER_INDEX_OFFSET_LSB = 46;
  localparam int unsigned SCATTER_INDEX_OFFSET_BITS = 6;
  localparam int unsigned SCATTER_INDEX_WAIT_LSB = 52;
  localparam int unsigned SCATTER_INDEX_WAIT_BITS = 1;
  localparam int unsigned SCATTER_INDEX_POP_LSB = 53;
  localparam int unsigned SCATTER_INDEX_POP_BITS = 1;
  localparam int unsigned SCATTER_INDEX_TYPE_LSB = 54;
  localparam int unsigned SCATTER_INDEX_TYPE_BITS = 3;
  localparam int unsigned SCATTER_ADDRESS_LSB = 57;
  localparam int unsigned SCATTER_ADDRESS_BITS = 6;
  localparam int unsigned SCATTER_SHAPE_LSB = 63;
  localparam int unsigned SCATTER_SHAPE_BITS = 6;

  // matmul
  localparam int unsigned MATMUL_HELD_LSB = 28;
  localparam int unsigned MATMUL_HELD_BITS = 5;
  localparam int unsigned MATMUL_HELD_OFFSET_LSB = 33;
  localparam int unsigned MATMUL_HELD_OFFSET_BITS = 6;
  localparam int unsigned MATMUL_HELD_WAIT_LSB = 39;
  localparam int unsigned MATMUL_HELD_WAIT_BITS = 1;
  localparam int unsigned MATMUL_HELD_POP_LSB = 40;
  localparam int unsigned MATMUL_HELD_POP_BITS = 1;
  localparam int unsigned MATMUL_STREAM_LSB = 41;
  localparam int unsigned MATMUL_STREAM_BITS = 5;
  localparam int unsigned MATMUL_STREAM_OFFSET_LSB = 46;
  localparam int unsigned MATMUL_STREAM_OFFSET_BITS = 6;
  localparam int unsigned MATMUL_STREAM_WAIT_LSB = 52;
  localparam int unsigned MATMUL_STREAM_WAIT_BITS = 1;
  localparam int unsigned MATMUL_STREAM_POP_LSB = 53;
  localparam int unsigned MATMUL_STREAM_POP_BITS = 1;
  localparam int unsigned MATMUL_HELD_TYPE_LSB = 54;
  localparam int unsigned MATMUL_HELD_TYPE_BITS = 3;
  localparam int unsigned MATMUL_STREAM_TYPE_LSB = 57;
  localparam int unsigned MATMUL_STREAM_TYPE_BITS = 3;
  localparam int unsigned MATMUL_BANK_LSB = 60;
  localparam int unsigned MATMUL_BANK_BITS = 6;
  localparam int unsigned MATMUL_FIRST_LSB = 66;
  localparam int unsigned MATMUL_FIRST_BITS = 1;
  localparam int unsigned MATMUL_LAST_LSB = 67;
  localparam int unsigned MATMUL_LAST_BITS = 1;
  localparam int unsigned MATMUL_SHAPE_LSB = 68;
  localparam int unsigned MATMUL_SHAPE_BITS = 6;

  // drain
  localparam int unsigned DRAIN_BANK_LSB = 28;
  localparam int unsigned DRAIN_BANK_BITS = 6;
  localparam int unsigned DRAIN_DST_LSB = 34;
  localparam int unsigned DRAIN_DST_BITS = 5;
  localparam int unsigned DRAIN_DST_OFFSET_LSB = 39;
  localparam int unsigned DRAIN_DST_OFFSET_BITS = 6;
  localparam int unsigned DRAIN_RESERVE_LSB = 45;
  localparam int unsigned DRAIN_RESERVE_BITS = 1;
  localparam int unsigned DRAIN_PUSH_LSB = 46;
  localparam int unsigned DRAIN_PUSH_BITS = 1;
  localparam int unsigned DRAIN_DST_TYPE_LSB = 47;
  localparam int unsigned DRAIN_DST_TYPE_BITS = 3;
  localparam int unsigned DRAIN_SHAPE_LSB = 50;
  localparam int unsigned DRAIN_SHAPE_BITS = 6;

  // fill
  localparam int unsigned FILL_BANK_LSB = 28;
  localparam int unsigned FILL_BANK_BITS = 6;
  localparam int unsigned FILL_SRC_LSB = 34;
  localparam int unsigned FILL_SRC_BITS = 5;
  localparam int unsigned FILL_SRC_OFFSET_LSB = 39;
  localparam int unsigned FILL_SRC_OFFSET_BITS = 6;
  localparam int unsigned FILL_WAIT_LSB = 45;
  localparam int unsigned FILL_WAIT_BITS = 1;
  localparam int unsigned FILL_POP_LSB = 46;
  localparam int unsigned FILL_POP_BITS = 1;
  localparam int unsigned FILL_SHAPE_LSB = 47;
  localparam int unsigned FILL_SHAPE_BITS = 6;

  // pass
  localparam int unsigned PASS_BANK_LSB = 28;
  localparam int unsigned PASS_BANK_BITS = 6;
  localparam int unsigned PASS_TO_LSB = 34;
  localparam int unsigned PASS_TO_BITS = 2;
  localparam int unsigned PASS_SHAPE_LSB = 36;
  localparam int unsigned PASS_SHAPE_BITS = 6;

  // merge
  localparam int unsigned MERGE_BANK_LSB = 28;
  localparam int unsigned MERGE_BANK_BITS = 6;
  localparam int unsigned MERGE_FROM_LSB = 34;
  localparam int unsigned MERGE_FROM_BITS = 2;
  localparam int unsigned MERGE_SHAPE_LSB = 36;
  localparam int unsigned MERGE_SHAPE_BITS = 6;

  // vector
  localparam int unsigned VECTOR_OP_LSB = 28;
  localparam int unsigned VECTOR_OP_BITS = 6;
  localparam int unsigned VECTOR_DST_LSB = 34;
  localparam int unsigned VECTOR_DST_BITS = 5;
  localparam int unsigned VECTOR_DST_OFFSET_LSB = 39;
  localparam int unsigned VECTOR_DST_OFFSET_BITS = 6;
  localparam int unsigned VECTOR_RESERVE_LSB = 45;
  localparam int unsigned VECTOR_RESERVE_BITS = 1;
  localparam int unsigned VECTOR_PUSH_LSB = 46;
  localparam int unsigned VECTOR_PUSH_BITS = 1;
  localparam int unsigned VECTOR_DST_TYPE_LSB = 47;
  localparam int unsigned VECTOR_DST_TYPE_BITS = 3;
  localparam int unsigned VECTOR_A_LSB = 50;
  localparam int unsigned VECTOR_A_BITS = 5;
  localparam int unsigned VECTOR_A_OFFSET_LSB = 55;
  localparam int unsigned VECTOR_A_OFFSET_BITS = 6;
  localparam int unsigned VECTOR_A_WAIT_LSB = 61;
  localparam int unsigned VECTOR_A_WAIT_BITS = 1;
  localparam int unsigned VECTOR_A_POP_LSB = 62;
  localparam int unsigned VECTOR_A_POP_BITS = 1;
  localparam int unsigned VECTOR_A_TYPE_LSB = 63;
  localparam int unsigned VECTOR_A_TYPE_BITS = 3;
  localparam int unsigned VECTOR_A_MODE_LSB = 66;
  localparam int unsigned VECTOR_A_MODE_BITS = 2;
  localparam int unsigned VECTOR_B_LSB = 68;
  localparam int unsigned VECTOR_B_BITS = 5;
  localparam int unsigned VECTOR_B_OFFSET_LSB = 73;
  localparam int unsigned VECTOR_B_OFFSET_BITS = 6;
  localparam int unsigned VECTOR_B_WAIT_LSB = 79;
  localparam int unsigned VECTOR_B_WAIT_BITS = 1;
  localparam int unsigned VECTOR_B_POP_LSB = 80;
  localparam int unsigned VECTOR_B_POP_BITS = 1;
  localparam int unsigned VECTOR_B_TYPE_LSB = 81;
  localparam int unsigned VECTOR_B_TYPE_BITS = 3;
  localparam int unsigned VECTOR_B_MODE_LSB = 84;
  localparam int unsigned VECTOR_B_MODE_BITS = 2;
  localparam int unsigned VECTOR_REDUCE_LSB = 86;
  localparam int unsigned VECTOR_REDUCE_BITS = 2;
  localparam int unsigned VECTOR_ACCUMULATE_LSB = 88;
  localparam int unsigned VECTOR_ACCUMULATE_BITS = 1;
  localparam int unsigned VECTOR_VALUE_LSB = 89;
  localparam int unsigned VECTOR_VALUE_BITS = 32;
  localparam int unsigned VECTOR_SHAPE_LSB = 121;
  localparam int unsigned VECTOR_SHAPE_BITS = 6;

  // collect
  localparam int unsigned COLLECT_DST_LSB = 28;
  localparam int unsigned COLLECT_DST_BITS = 5;
  localparam int unsigned COLLECT_DST_OFFSET_LSB = 33;
  localparam int unsigned COLLECT_DST_OFFSET_BITS = 6;
  localparam int unsigned COLLECT_RESERVE_LSB = 39;
  localparam int unsigned COLLECT_RESERVE_BITS = 1;
  localparam int unsigned COLLECT_PUSH_LSB = 40;
  localparam int unsigned COLLECT_PUSH_BITS = 1;
  localparam int unsigned COLLECT_SRC_LSB = 41;
  localparam int unsigned COLLECT_SRC_BITS = 5;
  localparam int unsigned COLLECT_SRC_OFFSET_LSB = 46;
  localparam int unsigned COLLECT_SRC_OFFSET_BITS = 6;
  localparam int unsigned COLLECT_WAIT_LSB = 52;
  localparam int unsigned COLLECT_WAIT_BITS = 1;
  localparam int unsigned COLLECT_POP_LSB = 53;
  localparam int unsigned COLLECT_POP_BITS = 1;
  localparam int unsigned COLLECT_SRC_TYPE_LSB = 54;
  localparam int unsigned COLLECT_SRC_TYPE_BITS = 3;
  localparam int unsigned COLLECT_SLOTS_LSB = 57;
  localparam int unsigned COLLECT_SLOTS_BITS = 5;
  localparam int unsigned COLLECT_SLOTS_OFFSET_LSB = 62;
  localparam int unsigned COLLECT_SLOTS_OFFSET_BITS = 6;
  localparam int unsigned COLLECT_SLOTS_WAIT_LSB = 68;
  localparam int unsigned COLLECT_SLOTS_WAIT_BITS = 1;
  localparam int unsigned COLLECT_SLOTS_POP_LSB = 69;
  localparam int unsigned COLLECT_SLOTS_POP_BITS = 1;
  localparam int unsigned COLLECT_SHAPE_LSB = 70;
  localparam int unsigned COLLECT_SHAPE_BITS = 6;

  // transpose
  localparam int unsigned TRANSPOSE_DST_LSB = 28;
  localparam int unsigned TRANSPOSE_DST_BITS = 5;
  localparam int unsigned TRANSPOSE_DST_OFFSET_LSB = 33;
  localparam int unsigned TRANSPOSE_DST_OFFSET_BITS = 6;
  localparam int unsigned TRANSPOSE_RESERVE_LSB = 39;
  localparam int unsigned TRANSPOSE_RESERVE_BITS = 1;
  localparam int unsigned TRANSPOSE_PUSH_LSB = 40;
  localparam int unsigned TRANSPOSE_PUSH_BITS = 1;
  localparam int unsigned TRANSPOSE_SRC_LSB = 41;
  localparam int unsigned TRANSPOSE_SRC_BITS = 5;
  localparam int unsigned TRANSPOSE_SRC_OFFSET_LSB = 46;
  localparam int unsigned TRANSPOSE_SRC_OFFSET_BITS = 6;
  localparam int unsigned TRANSPOSE_WAIT_LSB = 52;
  localparam int unsigned TRANSPOSE_WAIT_BITS = 1;
  localparam int unsigned TRANSPOSE_POP_LSB = 53;
  localparam int unsigned TRANSPOSE_POP_BITS = 1;
  localparam int unsigned TRANSPOSE_TYPE_LSB = 54;
  localparam int unsigned TRANSPOSE_TYPE_BITS = 3;
  localparam int unsigned TRANSPOSE_SHAPE_LSB = 57;
  localparam int unsigned TRANSPOSE_SHAPE_BITS = 6;

  // copy
  localparam int unsigned COPY_DST_LSB = 28;
  localparam int unsigned COPY_DST_BITS = 5;
  localparam int unsigned COPY_DST_OFFSET_LSB = 33;
  localparam int unsigned COPY_DST_OFFSET_BITS = 6;
  localparam int unsigned COPY_RESERVE_LSB = 39;
  localparam int unsigned COPY_RESERVE_BITS = 1;
  localparam int unsigned COPY_PUSH_LSB = 40;
  localparam int unsigned COPY_PUSH_BITS = 1;
  localparam int unsigned COPY_SRC_LSB = 41;
  localparam int unsigned COPY_SRC_BITS = 5;
  localparam int unsigned COPY_SRC_OFFSET_LSB = 46;
  localparam int unsigned COPY_SRC_OFFSET_BITS = 6;
  localparam int unsigned COPY_WAIT_LSB = 52;
  localparam int unsigned COPY_WAIT_BITS = 1;
  localparam int unsigned COPY_POP_LSB = 53;
  localparam int unsigned COPY_POP_BITS = 1;
  localparam int unsigned COPY_TYPE_LSB = 54;
  localparam int unsigned COPY_TYPE_BITS = 3;
  localparam int unsigned COPY_SHAPE_LSB = 57;
  localparam int unsigned COPY_SHAPE_BITS = 6;

  // count
  localparam int unsigned COUNT_DST_LSB = 28;
  localparam int unsigned COUNT_DST_BITS = 5;
  localparam int unsigned COUNT_DST_OFFSET_LSB = 33;
  localparam int unsigned COUNT_DST_OFFSET_BITS = 6;
  localparam int unsigned COUNT_RESERVE_LSB = 39;
  localparam int unsigned COUNT_RESERVE_BITS = 1;
  localparam int unsigned COUNT_PUSH_LSB = 40;
  localparam int unsigned COUNT_PUSH_BITS = 1;
  localparam int unsigned COUNT_SRC_LSB = 41;
  localparam int unsigned COUNT_SRC_BITS = 5;
  localparam int unsigned COUNT_SRC_OFFSET_LSB = 46;
  localparam int unsigned COUNT_SRC_OFFSET_BITS = 6;
  localparam int unsigned COUNT_WAIT_LSB = 52;
  localparam int unsigned COUNT_WAIT_BITS = 1;
  localparam int unsigned COUNT_POP_LSB = 53;
  localparam int unsigned COUNT_POP_BITS = 1;
  localparam int unsigned COUNT_TYPE_LSB = 54;
  localparam int unsigned COUNT_TYPE_BITS = 3;
  localparam int unsigned COUNT_ACCUMULATE_LSB = 57;
  localparam int unsigned COUNT_ACCUMULATE_BITS = 1;
  localparam int unsigned COUNT_SHAPE_LSB = 58;
  localparam int unsigned COUNT_SHAPE_BITS = 6;

  // offsets
  localparam int unsigned OFFSETS_DST_LSB = 28;
  localparam int unsigned OFFSETS_DST_BITS = 5;
  localparam int unsigned OFFSETS_DST_OFFSET_LSB = 33;
  localparam int unsigned OFFSETS_DST_OFFSET_BITS = 6;
  localparam int unsigned OFFSETS_RESERVE_LSB = 39;
  localparam int unsigned OFFSETS_RESERVE_BITS = 1;
  localparam int unsigned OFFSETS_PUSH_LSB = 40;
  localparam int unsigned OFFSETS_PUSH_BITS = 1;
  localparam int unsigned OFFSETS_SRC_LSB = 41;
  localparam int unsigned OFFSETS_SRC_BITS = 5;
  localparam int unsigned OFFSETS_SRC_OFFSET_LSB = 46;
  localparam int unsigned OFFSETS_SRC_OFFSET_BITS = 6;
  localparam int unsigned OFFSETS_WAIT_LSB = 52;
  localparam int unsigned OFFSETS_WAIT_BITS = 1;
  localparam int unsigned OFFSETS_POP_LSB = 53;
  localparam int unsigned OFFSETS_POP_BITS = 1;
  localparam int unsigned OFFSETS_SHAPE_LSB = 54;
  localparam int unsigned OFFSETS_SHAPE_BITS = 6;

  // group
  localparam int unsigned GROUP_DST_LSB = 28;
  localparam int unsigned GROUP_DST_BITS = 5;
  localparam int unsigned GROUP_DST_OFFSET_LSB = 33;
  localparam int unsigned GROUP_DST_OFFSET_BITS = 6;
  localparam int unsigned GROUP_RESERVE_LSB = 39;
  localparam int unsigned GROUP_RESERVE_BITS = 1;
  localparam int unsigned GROUP_PUSH_LSB = 40;
  localparam int unsigned GROUP_PUSH_BITS = 1;
  localparam int unsigned GROUP_SRC_LSB = 41;
  localparam int unsigned GROUP_SRC_BITS = 5;
  localparam int unsigned GROUP_SRC_OFFSET_LSB = 46;
  localparam int unsigned GROUP_SRC_OFFSET_BITS = 6;
  localparam int unsigned GROUP_WAIT_LSB = 52;
  localparam int unsigned GROUP_WAIT_BITS = 1;
  localparam int unsigned GROUP_POP_LSB = 53;
  localparam int unsigned GROUP_POP_BITS = 1;
  localparam int unsigned GROUP_PLACES_LSB = 54;
  localparam int unsigned GROUP_PLACES_BITS = 5;
  localparam int unsigned GROUP_PLACES_OFFSET_LSB = 59;
  localparam int unsigned GROUP_PLACES_OFFSET_BITS = 6;
  localparam int unsigned GROUP_PLACES_WAIT_LSB = 65;
  localparam int unsigned GROUP_PLACES_WAIT_BITS = 1;
  localparam int unsigned GROUP_PLACES_POP_LSB = 66;
  localparam int unsigned GROUP_PLACES_POP_BITS = 1;
  localparam int unsigned GROUP_TYPE_LSB = 67;
  localparam int unsigned GROUP_TYPE_BITS = 3;
  localparam int unsigned GROUP_SHAPE_LSB = 70;
  localparam int unsigned GROUP_SHAPE_BITS = 6;

  // number
  localparam int unsigned NUMBER_DST_LSB = 28;
  localparam int unsigned NUMBER_DST_BITS = 5;
  localparam int unsigned NUMBER_DST_OFFSET_LSB = 33;
  localparam int unsigned NUMBER_DST_OFFSET_BITS = 6;
  localparam int unsigned NUMBER_RESERVE_LSB = 39;
  localparam int unsigned NUMBER_RESERVE_BITS = 1;
  localparam int unsigned NUMBER_PUSH_LSB = 40;
  localparam int unsigned NUMBER_PUSH_BITS = 1;
  localparam int unsigned NUMBER_SRC_LSB = 41;
  localparam int unsigned NUMBER_SRC_BITS = 5;
  localparam int unsigned NUMBER_SRC_OFFSET_LSB = 46;
  localparam int unsigned NUMBER_SRC_OFFSET_BITS = 6;
  localparam int unsigned NUMBER_WAIT_LSB = 52;
  localparam int unsigned NUMBER_WAIT_BITS = 1;
  localparam int unsigned NUMBER_POP_LSB = 53;
  localparam int unsigned NUMBER_POP_BITS = 1;
  localparam int unsigned NUMBER_WHAT_LSB = 54;
  localparam int unsigned NUMBER_WHAT_BITS = 3;
  localparam int unsigned NUMBER_SHAPE_LSB = 57;
  localparam int unsigned NUMBER_SHAPE_BITS = 6;

  // spread
  localparam int unsigned SPREAD_SRC_LSB = 28;
  localparam int unsigned SPREAD_SRC_BITS = 5;
  localparam int unsigned SPREAD_SRC_OFFSET_LSB = 33;
  localparam int unsigned SPREAD_SRC_OFFSET_BITS = 6;
  localparam int unsigned SPREAD_WAIT_LSB = 39;
  localparam int unsigned SPREAD_WAIT_BITS = 1;
  localparam int unsigned SPREAD_POP_LSB = 40;
  localparam int unsigned SPREAD_POP_BITS = 1;
  localparam int unsigned SPREAD_ADDRESS_LSB = 41;
  localparam int unsigned SPREAD_ADDRESS_BITS = 6;
  localparam int unsigned SPREAD_SHAPE_LSB = 47;
  localparam int unsigned SPREAD_SHAPE_BITS = 6;

endpackage
