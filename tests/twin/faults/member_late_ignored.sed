# address_generator | address_generator/address_generator.sv | p_delay
s/cmd_late_i > late_q ? cmd_late_i/1'b0 ? cmd_late_i/
