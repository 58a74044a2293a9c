# sram_bank | sram_bank/sram_bank.sv | m_write a_valid
s/m_port_o\[0\] != m_port_o\[1\]/m_port_o[0]/
