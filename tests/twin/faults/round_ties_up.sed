# matrix_engine | fp/fp_pkg.sv | c_data
s/s\[27\] \&\& (s\[28\] || s\[26:0\] != 0)/s[27]/
