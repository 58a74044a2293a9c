# matrix_engine | matrix_engine/matrix_engine.sv | c_data
s/\.load_buffer_i(!buffer_q)/.load_buffer_i(buffer_q)/
