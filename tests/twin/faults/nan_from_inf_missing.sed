# matrix_engine | fp/fp_pkg.sv | c_data
s/if (is_inf(c\[30:0\]) \&\& c\[31\] != sign) return CANONICAL_NAN;//
