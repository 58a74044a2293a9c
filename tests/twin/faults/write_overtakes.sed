# sram_bank | sram_bank/sram_bank.sv | m_port m_tag m_write m_first m_last m_bytes a_valid
s/queue_d = leave ? queue_q >> EntryBits : queue_q;/queue_d = leave ? (count_q == 3 \&\& queue_q[EntryBits+NameBits+BytesBits-1 -: 2] == 2'd0 ? {queue_q[QueueBits-1:3*EntryBits], queue_q[EntryBits +: EntryBits], queue_q[2*EntryBits +: EntryBits]} : queue_q >> EntryBits) : queue_q;/
