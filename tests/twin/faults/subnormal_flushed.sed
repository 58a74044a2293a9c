# matrix_engine | fp/fp_pkg.sv | c_data
s/      s = shift_sticky(s, 11.d1 - \$unsigned(e));/      s = 0;/
