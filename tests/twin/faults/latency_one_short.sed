# reduction_engine | reduction_engine/reduction_engine.sv | w_valid d_valid p_valid
s/SlotBits'(Latency - 1)/SlotBits'(Latency - 2)/
