# sram_bank | sram_bank/sram_bank.sv | m_bytes
s/m_last_o ? BeatBits'(left) : BeatBits'(BankBytes)/BeatBits'(BankBytes)/
