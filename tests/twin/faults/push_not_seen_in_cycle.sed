# buffer_manager | buffer_manager/buffer_manager.sv | beg_ready
s/: data\[b\] == 0) begin/: data_q[b] == 0) begin/
