# reduction_engine | reduction_engine/reduction_engine.sv | b_index
s/{in_index_q, out_index_q} <= '0;/out_index_q <= '0;/
