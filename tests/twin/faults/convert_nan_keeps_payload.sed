# reduction_engine | fp/fp_pkg.sv | data
s/if (is_nan(x\[30:0\])) return {16'b0, to.nan};/if (is_nan(x[30:0]) \&\& dtype != isa_pkg::DTYPE_BF16) return {16'b0, to.nan};/
