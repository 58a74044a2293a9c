# matrix_engine | matrix_engine/matrix_engine.sv | s_ready
s/if (loaded == 6'd32 \&\& (state_q/if (loaded >= 6'd31 \&\& (state_q/
