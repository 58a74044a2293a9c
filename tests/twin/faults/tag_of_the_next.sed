# sram_bank | sram_bank/sram_bank.sv | m_tag r_tag
s/m_tag_o = queue_q\[BytesBits +: TagBits\]/m_tag_o = count_q > 1 ? queue_q[EntryBits+BytesBits +: TagBits] : queue_q[BytesBits +: TagBits]/
