// Properties of rtl/buffer_manager for any legal program, for yosys-smtbmc (tests/twin/prove.sh): what the block does against
// counts of what commands reserved, pushed, took and popped, kept here on their own. Legal, as isa/machine.h has it: a
// tile is reserved once, written only when reserved, read only when waited for; a finished command is one that began; a
// buffer is defined when nothing is under way.
`ifdef REACH  // is the state that REACHED names reached?
`define CHECK(x) ;
`define REACHED(x) assert (!(x));
`else
`define CHECK(x) assert (x);
`define REACHED(x)
`endif
module proof #(
  parameter Buffers = 2, Lanes = 1, Operands = 2, Bits = 3, CountBits = 2, IdBits = 1
) (
  input clk,
  input def_valid, input [IdBits-1:0] def_id, input [Bits-1:0] def_base, def_bytes, input [CountBits-1:0] def_depth,
  input [Lanes*Operands-1:0] fin_advance, fin_writes, input [Lanes*Operands*IdBits-1:0] fin_id,
  input [Lanes-1:0] beg_valid, beg_go,
  input [Lanes*Operands-1:0] beg_used, beg_hold, beg_advance, beg_writes, input [Lanes*Operands*IdBits-1:0] beg_id
);
  wire [Lanes-1:0] ready;
  wire [Lanes*2-1:0] operand;
  wire [Lanes*Operands*Bits-1:0] tile;
  wire [Buffers*CountBits-1:0] full;
`ifdef INDUCTION
  wire [Buffers*Bits-1:0] dut_base, dut_bytes, dut_next, dut_write, dut_read;
  wire [Buffers*CountBits-1:0] dut_depth, dut_data, dut_used, dut_next_slot, dut_read_slot;
  wire [Buffers-1:0] dut_reserved;
`endif
  reg rst_n = 0;
  always @(posedge clk) rst_n <= 1;

  buffer_manager dut (
    .clk_i(clk), .rst_ni(rst_n), .def_valid_i(def_valid), .def_id_i(def_id), .def_base_i(def_base),
    .def_bytes_i(def_bytes), .def_depth_i(def_depth), .fin_advance_i(fin_advance), .fin_writes_i(fin_writes),
    .fin_id_i(fin_id), .beg_valid_i(beg_valid), .beg_go_i(beg_go), .beg_used_i(beg_used), .beg_hold_i(beg_hold),
    .beg_advance_i(beg_advance), .beg_writes_i(beg_writes), .beg_id_i(beg_id), .beg_ready_o(ready),
    .beg_operand_o(operand), .beg_tile_o(tile), .full_o(full)
`ifdef INDUCTION
    , .base_q_shown(dut_base), .bytes_q_shown(dut_bytes), .depth_q_shown(dut_depth), .data_q_shown(dut_data),
    .used_q_shown(dut_used), .next_slot_q_shown(dut_next_slot), .read_slot_q_shown(dut_read_slot), .next_q_shown(dut_next),
    .write_q_shown(dut_write), .read_q_shown(dut_read), .reserved_q_shown(dut_reserved)
`endif
  );

  // Of each buffer, from its definition on: tiles pushed and not popped (`held`), pushed and not taken (`unread`), reserved
  // and not popped (`kept`); begun commands that will push or pop; the places of the tile being written and of the head.
  (* mem2reg *) reg [Bits-1:0] base [0:Buffers-1];
  (* mem2reg *) reg [Bits-1:0] bytes [0:Buffers-1];
  (* mem2reg *) reg [CountBits-1:0] depth [0:Buffers-1];
  (* mem2reg *) reg [CountBits:0] held [0:Buffers-1];
  (* mem2reg *) reg [CountBits:0] unread [0:Buffers-1];
  (* mem2reg *) reg [CountBits:0] kept [0:Buffers-1];
  (* mem2reg *) reg [CountBits:0] pushing [0:Buffers-1];
  (* mem2reg *) reg [CountBits:0] popping [0:Buffers-1];
  (* mem2reg *) reg [CountBits-1:0] writing [0:Buffers-1];
  (* mem2reg *) reg [CountBits-1:0] reading [0:Buffers-1];
  (* mem2reg *) reg reserved [0:Buffers-1];
  (* mem2reg *) reg acquired [0:Buffers-1];
  (* mem2reg *) reg opened [0:Buffers-1];  // a tile was reserved since the definition
  reg waited = 0, wrapped = 0, was_full = 0, freed = 0;
  integer b, l, i, j;
  reg [IdBits-1:0] id, other;
  reg may, blocked;
  reg [1:0] blocker;

  initial for (b = 0; b < Buffers; b = b + 1) begin
    base[b] = 0; bytes[b] = 0; depth[b] = 0; held[b] = 0; unread[b] = 0; kept[b] = 0; pushing[b] = 0; popping[b] = 0;
    writing[b] = 0; reading[b] = 0; reserved[b] = 0; acquired[b] = 0; opened[b] = 0;
  end

`ifdef INDUCTION
  // What every state that can be reached has in common, so that it need not be reached: each register of the block is what
  // the counts say, the counts fit together and stay in range. If it holds in a cycle, it does in the next one.
  integer n;
  reg [CountBits-1:0] after;  // the place behind the tile being written
  always @* for (n = 0; n < Buffers; n = n + 1) begin
    after = !opened[n] || writing[n] + 1 == depth[n] ? 0 : writing[n] + 1;
    if (rst_n) begin
      assert (dut_base[n*Bits +: Bits] == base[n] && dut_bytes[n*Bits +: Bits] == bytes[n]);
      assert (dut_depth[n*CountBits +: CountBits] == depth[n] && dut_reserved[n] == reserved[n]);
      assert (full[n*CountBits +: CountBits] == held[n] && dut_data[n*CountBits +: CountBits] == unread[n]);
      assert (dut_used[n*CountBits +: CountBits] == kept[n]);
      assert (dut_read_slot[n*CountBits +: CountBits] == reading[n] && dut_next_slot[n*CountBits +: CountBits] == after);
      assert (dut_read[n*Bits +: Bits] == base[n] + reading[n] * bytes[n]);
      assert (dut_write[n*Bits +: Bits] == base[n] + writing[n] * bytes[n]);
      assert (dut_next[n*Bits +: Bits] == base[n] + after * bytes[n]);
    end else
      assert (!base[n] && !bytes[n] && !depth[n]);
    assert (held[n] == unread[n] + popping[n] && kept[n] == held[n] + pushing[n] + reserved[n] && kept[n] <= depth[n]);
    assert (depth[n] == 0 ? !reading[n] && !writing[n] && !opened[n] : reading[n] < depth[n] && writing[n] < depth[n]);
    assert (unread[n] <= depth[n] && popping[n] <= depth[n] && pushing[n] <= depth[n] && held[n] <= depth[n]);
    assert (opened[n] || (kept[n] == 0 && writing[n] == 0));
    assert (!acquired[n] || unread[n] != 0);
  end
`endif
  always @(posedge clk) if (rst_n) begin
    for (b = 0; b < Buffers; b = b + 1) begin
      `CHECK(full[b*CountBits +: CountBits] == held[b])
      if (depth[b] != 0) `CHECK(held[b] <= kept[b] && kept[b] <= depth[b])
    end
    if (def_valid) begin
      assume (pushing[def_id] == 0 && popping[def_id] == 0);
      base[def_id] = def_base; bytes[def_id] = def_bytes; depth[def_id] = def_depth;
      held[def_id] = 0; unread[def_id] = 0; kept[def_id] = 0; writing[def_id] = 0; reading[def_id] = 0;
      reserved[def_id] = 0; acquired[def_id] = 0; opened[def_id] = 0;
    end
    for (l = 0; l < Lanes; l = l + 1)
      for (i = 0; i < Operands; i = i + 1) if (fin_advance[l*Operands+i]) begin
        id = fin_id[(l*Operands+i)*IdBits +: IdBits];
        if (fin_writes[l*Operands+i]) begin
          assume (pushing[id] != 0);
          pushing[id] = pushing[id] - 1; held[id] = held[id] + 1; unread[id] = unread[id] + 1;
        end else begin
          assume (popping[id] != 0);
          popping[id] = popping[id] - 1; held[id] = held[id] - 1; kept[id] = kept[id] - 1;
          freed = was_full;
        end
      end
    for (l = 0; l < Lanes; l = l + 1) if (beg_valid[l]) begin
      blocked = 0; blocker = 0;
      for (i = 0; i < Operands; i = i + 1) if (beg_used[l*Operands+i]) begin
        id = beg_id[(l*Operands+i)*IdBits +: IdBits];
        for (j = 0; j < i; j = j + 1) begin  // two operands: one of them moves a buffer's side
          other = beg_id[(l*Operands+j)*IdBits +: IdBits];
          if (beg_used[l*Operands+j] && other == id && beg_writes[l*Operands+j] == beg_writes[l*Operands+i])
            assume (!beg_writes[l*Operands+i] && !(beg_advance[l*Operands+i] && beg_advance[l*Operands+j]));
        end
        if (depth[id] == 0) assume (!beg_hold[l*Operands+i] && !beg_advance[l*Operands+i]);
        else if (beg_writes[l*Operands+i]) assume (beg_hold[l*Operands+i] != reserved[id]);
        else assume (beg_hold[l*Operands+i] || acquired[id]);
        may = beg_writes[l*Operands+i] ? kept[id] < depth[id] : unread[id] != 0;
        if (depth[id] != 0 && beg_hold[l*Operands+i] && !may && !blocked) begin blocked = 1; blocker = i; end
      end
      // A command begins when, and only when, all that it needs is there; the first operand that lacks is named.
      `CHECK(ready[l] == !blocked)
      if (blocked) `CHECK(operand[l*2 +: 2] == blocker)
      if (blocked) waited = 1;
      if (ready[l] && beg_go[l]) begin
        for (i = 0; i < Operands; i = i + 1) if (beg_used[l*Operands+i]) begin
          id = beg_id[(l*Operands+i)*IdBits +: IdBits];
          if (depth[id] == 0) `CHECK(tile[(l*Operands+i)*Bits +: Bits] == base[id])
          else if (beg_writes[l*Operands+i]) begin
            if (beg_hold[l*Operands+i]) begin
              kept[id] = kept[id] + 1;
              if (opened[id]) writing[id] = writing[id] + 1 == depth[id] ? 0 : writing[id] + 1;
              opened[id] = 1;
            end
            reserved[id] = !beg_advance[l*Operands+i];
            if (beg_advance[l*Operands+i]) pushing[id] = pushing[id] + 1;
            // Tiles lie one after the other, `depth` of them, and then the first again.
            `CHECK(tile[(l*Operands+i)*Bits +: Bits] == base[id] + writing[id] * bytes[id])
          end else begin
            acquired[id] = 1;
            `CHECK(unread[id] != 0)  // no tile is read that was not pushed
            `CHECK(tile[(l*Operands+i)*Bits +: Bits] == base[id] + reading[id] * bytes[id])
          end
        end
        for (i = 0; i < Operands; i = i + 1)
          if (beg_used[l*Operands+i] && !beg_writes[l*Operands+i] && beg_advance[l*Operands+i]) begin
            id = beg_id[(l*Operands+i)*IdBits +: IdBits];
            popping[id] = popping[id] + 1; unread[id] = unread[id] - 1; acquired[id] = 0;
            reading[id] = reading[id] + 1 == depth[id] ? 0 : reading[id] + 1;
            if (reading[id] == 0 && depth[id] == 2) wrapped = 1;
          end
      end
    end
    if (held[0] == 2 && depth[0] == 2) was_full = 1;
    // Not vacuous: a buffer of two tiles was full, was read until its pointers wrapped, and a command had to wait.
    `REACHED(waited && wrapped && was_full && freed)
  end
endmodule
