# address_generator | address_generator/address_generator.sv | p_bytes p_last p_address p_first
s/assign room = block - 32'(/assign room = block - 32'd0 * 32'(/
