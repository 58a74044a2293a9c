# sram_bank | sram_bank/sram_bank.sv | m_port m_tag m_write m_last m_bytes a_valid
s/for (int unsigned p = 0; p < Ports; p++) begin/for (int p = 3; p >= 0; p--) begin/
