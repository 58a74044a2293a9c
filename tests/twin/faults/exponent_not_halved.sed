# vector_lookup | vector_lookup/function_pkg.sv | y_data
s/half = exponent >>> 1;/half = exponent;/
