# buffer_manager | buffer_manager/buffer_manager.sv | full
s/            full\[f\] -= 1;/            if (l != 3) full[f] -= 1;/
