# matrix_engine | matrix_engine/matrix_engine.sv | s_ready
s/if (loaded == 6'(Rows) \&\& (state_q/if (loaded >= 6'(Rows - 1) \&\& (state_q/
