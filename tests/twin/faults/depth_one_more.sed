# buffer_manager | buffer_manager/buffer_manager.sv | beg_ready
s/used\[b\] >= depth\[b\]/used[b] > depth[b]/
