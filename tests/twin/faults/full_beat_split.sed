# sram_bank | sram_bank/sram_bank.sv | m_last m_bytes a_valid
s/32'(left) <= BankBytes/32'(left) < BankBytes/
