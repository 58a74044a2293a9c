# reduction_engine | reduction_engine/reduction_engine.sv | data
s/dst_type_q <= isa_pkg::dtype_e'(cmd_dst_type_i);/dst_type_q <= isa_pkg::DTYPE_BF16;/
