# buffer_manager | buffer_manager/buffer_manager.sv | beg_ready beg_tile
s/reserved\[b\] = !beg_advance_i\[l\]\[i\];/reserved[b] = 1'b1;/
