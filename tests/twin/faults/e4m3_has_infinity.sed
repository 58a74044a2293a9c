# matrix_engine | fp/fp_pkg.sv | c_data
s/    o.nan = bits\[6:0\] == 7'h7f;/    o.nan = bits[6:0] == 7'h7f; o.inf = bits[6:3] == 4'hf;/
