# buffer_manager | buffer_manager/buffer_manager.sv | beg_tile
s/if (next_slot\[b\] + 1 == depth\[b\]) begin/if (next_slot[b] == depth[b]) begin/
