# matrix_engine | matrix_engine/matrix_engine.sv | s_ready
/if (command_done \&\& !start) begin/,/end/s/loaded_q <= '0;//
