# reduction_engine | fp/fp_pkg.sv | data
s/return is_inf(y\[30:0\]) \&\& x\[31\] != y\[31\] ? CANONICAL_NAN : x;/return x;/
