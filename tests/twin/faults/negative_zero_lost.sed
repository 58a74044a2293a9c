# matrix_engine | fp/fp_pkg.sv | c_data
s/{sign \&\& c\[31\], 31.b0}/32'b0/
