# buffer_manager | buffer_manager/buffer_manager.sv | beg_operand
s/beg_operand_o\[l\] = i\[1:0\];/beg_operand_o[l] = 2'd0;/
