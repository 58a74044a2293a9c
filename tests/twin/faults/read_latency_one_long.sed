# sram_bank | sram_bank/sram_bank.sv | r_valid r_port r_tag r_last
s/PipeBits = LatencyCycles \* StageBits/PipeBits = (LatencyCycles + 1) * StageBits/
