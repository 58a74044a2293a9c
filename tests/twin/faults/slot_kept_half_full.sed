# router | router/router_buffer.sv | u_wait
s/left_q <= left_then;/left_q <= '0;/
