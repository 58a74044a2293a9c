# matrix_engine | matrix_engine/matrix_engine.sv | c_data
s/6'(m_q - 16'(Rows \* t))/6'(m_q - 16'(Rows * t) - 16'd1)/
