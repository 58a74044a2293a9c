# reduction_engine | fp/fp_pkg.sv | data
s/      by = by + 11'sd1 - e;/      by = 11'sd51;/
