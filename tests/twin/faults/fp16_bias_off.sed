# matrix_engine | fp/fp_pkg.sv | c_data
s/bits\[14:10\]}) - 9'sd25/bits[14:10]}) - 9'sd24/
