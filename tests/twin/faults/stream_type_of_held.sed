# matrix_engine | matrix_engine/matrix_engine.sv | c_data
s/fp_pkg::decode(stream_type_q/fp_pkg::decode(held_type_q/
