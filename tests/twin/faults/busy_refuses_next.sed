# reduction_engine | reduction_engine/reduction_engine.sv | cmd_ready
s/assign cmd_ready_o = !busy_q || command_done;/assign cmd_ready_o = !busy_q;/
