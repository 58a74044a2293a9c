# address_generator | address_generator/address_generator.sv | p_bytes p_fragment p_first p_last p_delay
s/assign wraps = .*/assign wraps = 1'b0;/
