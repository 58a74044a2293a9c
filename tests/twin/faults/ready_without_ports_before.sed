# sram_bank | sram_bank/sram_bank.sv | q_ready
s/32'(count_q) + p < Depth/32'(count_q) < Depth/
