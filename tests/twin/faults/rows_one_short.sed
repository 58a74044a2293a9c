# matrix_engine | matrix_engine/matrix_engine.sv | c_data
s/6'(m_q - 16'(32 \* t))/6'(m_q - 16'(32 * t) - 16'd1)/
