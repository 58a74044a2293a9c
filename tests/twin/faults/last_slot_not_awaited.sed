# router | router/router_buffer.sv | u_wait
s/slot_q - 1'b1) < count;/slot_q - 1'b1) + 3'd1 < count;/
