# reduction_engine | fp/fp_pkg.sv | data
s/return {x\[31\] \&\& y\[31\], 31'b0};/return {x[31] || y[31], 31'b0};/
