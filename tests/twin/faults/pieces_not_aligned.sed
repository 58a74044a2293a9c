# address_generator | address_generator/address_generator.sv | p_bytes p_last p_address p_first
s/ - PieceBits'(address_q/ - PieceBits'(0) * PieceBits'(address_q/
