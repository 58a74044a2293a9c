# buffer_manager | buffer_manager/buffer_manager.sv | beg_tile
s/if (read_slot\[b\] + 1 == depth\[b\]) begin/if (read_slot[b] + 2 == depth[b]) begin/
