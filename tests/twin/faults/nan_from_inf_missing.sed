# matrix_engine | fp/fp_pkg.sv | c_data
s/      if (c_inf \&\& c\[31\] != sign) return CANONICAL_NAN;//
