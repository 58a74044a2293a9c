# reduction_engine | fp/fp_pkg.sv | data
s/16'h7e, 16'h7e, 16'h7f/16'h7e, 16'h7f, 16'h7f/
