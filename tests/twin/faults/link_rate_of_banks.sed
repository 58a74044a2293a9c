# reduction_engine | reduction_engine/reduction_engine.sv | b_index p_valid count
s/isa_pkg::OP_PASS ? 16'(LinkLanes) : /isa_pkg::OP_PASS ? 16'(Rate) : /
