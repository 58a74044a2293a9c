# vector_lookup | vector_lookup/vector_lookup.sv | y_valid x_ready y_data y_count
s/end else if (!stopped) begin/end else begin/
