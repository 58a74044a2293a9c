# matrix_engine | matrix_engine/matrix_engine.sv | c_data
s/zero_q ? '0 : a_data_i\[t\]/a_data_i[t]/
