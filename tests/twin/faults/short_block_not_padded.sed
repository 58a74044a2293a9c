# matrix_engine | matrix_engine/matrix_engine.sv | done
s/ \&\& beat_q + 16.d1 >= LoadCycles//
