# reduction_engine | reduction_engine/reduction_engine.sv | data
s/fp_pkg::add(g_data_i\[l\], b_data_i\[l\])/g_data_i[l]/
