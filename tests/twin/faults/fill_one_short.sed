# matrix_engine | matrix_engine/matrix_engine.sv | s_ready
s/wait_q == 16'd1/wait_q == 16'd2/
