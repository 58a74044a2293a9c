# reduction_engine | reduction_engine/reduction_engine.sv | done w_valid d_valid p_valid
s/assign command_done = leave \&\& out_left_q == out_count;/assign command_done = leave \&\& out_left_q <= out_count + step;/
