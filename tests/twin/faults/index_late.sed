# matrix_engine | matrix_engine/matrix_engine.sv | c_index
s/c_index_q <= beat_q;/c_index_q <= c_index_q + 16'd1;/
