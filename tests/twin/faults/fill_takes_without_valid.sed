# reduction_engine | reduction_engine/reduction_engine.sv | f_ready b_index
s/op_q == isa_pkg::OP_FILL ? f_valid_i : //
