# buffer_manager | buffer_manager/buffer_manager.sv | beg_tile beg_ready
s/if (beg_ready_o\[l\] \&\& beg_go_i\[l\]) begin/if (beg_go_i[l] || !beg_ready_o[l]) begin/
