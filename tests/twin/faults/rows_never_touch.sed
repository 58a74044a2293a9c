# address_generator | address_generator/address_generator.sv | p_bytes p_fragment p_first p_last p_delay
s/assign rows_touch = .*/assign rows_touch = cmd_rows_i == 64'd1;/
