# address_generator | address_generator/address_generator.sv | p_delay
s/assign ahead = .*/assign ahead = late_q;/
