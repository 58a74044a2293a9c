# vector_lookup | vector_lookup/function_pkg.sv | y_data
s/3e0375d4/3e0375d5/
