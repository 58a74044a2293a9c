# reduction_engine | reduction_engine/reduction_engine.sv | data
s/r\[l\] = fp_pkg::convert(dst_type_q, b_data_i\[l\])/r[l] = l == Lanes - 1 ? b_data_i[l] : fp_pkg::convert(dst_type_q, b_data_i[l])/
