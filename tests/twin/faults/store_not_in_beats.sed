# address_generator | address_generator/address_generator.sv | p_delay
s/assign beats = .*/assign beats = p_bytes_o;/
