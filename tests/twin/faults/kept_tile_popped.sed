# buffer_manager | buffer_manager/buffer_manager.sv | beg_tile beg_ready
s/!beg_writes_i\[l\]\[i\] \&\& beg_advance_i\[l\]\[i\]) begin/!beg_writes_i[l][i]) begin/
