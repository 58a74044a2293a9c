# buffer_manager | buffer_manager/buffer_manager.sv | beg_ready
s/              data\[b\] -= 1;/              data[b] -= 1; used[b] -= 1;/
