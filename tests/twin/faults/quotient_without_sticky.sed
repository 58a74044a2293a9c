# vector_lookup | fp/fp32_pkg.sv | y_data
s/quotient \* 51'(y.sig) != high}/1'b0}/
