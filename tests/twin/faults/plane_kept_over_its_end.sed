# address_generator | address_generator/address_generator.sv | p_address p_bytes
s/plane_q <= plane_q + plane_stride_q;/plane_q <= plane_q;/
