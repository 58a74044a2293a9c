# matrix_engine | matrix_engine/matrix_engine.sv | c_data
s/assign lanes = last_block ? left_q : block_lanes;/assign lanes = block_lanes;/
