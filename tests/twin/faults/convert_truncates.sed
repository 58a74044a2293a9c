# reduction_engine | fp/fp_pkg.sv | data
s/up = s\[25\] \&\& (s\[26\] || s\[24:0\] != 0);/up = 1'b0;/
