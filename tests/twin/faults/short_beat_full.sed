# reduction_engine | reduction_engine/reduction_engine.sv | count
s/assign count_o = out_count;/assign count_o = step;/
