# reduction_engine | reduction_engine/reduction_engine.sv | d_valid index data count done p_valid
s/(d_valid_o \&\& !d_ready_i) || //
