# buffer_manager | buffer_manager/buffer_manager.sv | beg_tile
s/      read\[def_id_i\] = def_base_i;//
