# sram_bank | sram_bank/sram_bank.sv | r_valid
s/m_valid_o \&\& !m_write_o, m_last_o/m_valid_o, m_last_o/
