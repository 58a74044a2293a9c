// The circular buffers of a PE's local store: what a command waits for, where its tiles lie, and who may go on when it is
// done; the pointers of isa::PeState (isa/machine.h) as hardware. Which unit may use a buffer is the compiler's to get
// right and is not watched here.
//
// Channels: def (a new buffer; nothing may be under way), fin (commands that have finished: each operand pushes or pops),
// beg (commands that want to begin). A cycle takes Lanes commands of fin and then Lanes of beg, in the order of their
// lanes: each sees what those before it left, so a tile pushed in this cycle can be read in it. A command of beg is
// ready when each operand's data or space is there; beg_operand_o names the first one that is not. When it is ready and
// may go (beg_go_i), it reserves and takes its tiles. beg_tile_o are the addresses of its operands' tiles. All outputs of
// beg depend on the inputs of this cycle; full_o, the tiles a buffer holds, on registers only. A buffer of depth 0 is
// scratch: one tile, never waited for.
module buffer_manager #(
  parameter int unsigned Buffers = 32,
  parameter int unsigned Lanes = 8,
  parameter int unsigned Operands = 3,
  parameter int unsigned Bits = 20,
  parameter int unsigned CountBits = 8,  // of the depth in the instruction
  localparam int unsigned IdBits = $clog2(Buffers)
) (
  input  logic                                clk_i,
  input  logic                                rst_ni,

  input  logic                                def_valid_i,
  input  logic [IdBits-1:0]                          def_id_i,
  input  logic [Bits-1:0]                     def_base_i,
  input  logic [Bits-1:0]                     def_bytes_i,
  input  logic [CountBits-1:0]                def_depth_i,

  input  logic [Lanes-1:0][Operands-1:0]      fin_advance_i,
  input  logic [Lanes-1:0][Operands-1:0]      fin_writes_i,
  input  logic [Lanes-1:0][Operands-1:0][IdBits-1:0] fin_id_i,

  input  logic [Lanes-1:0]                     beg_valid_i,
  input  logic [Lanes-1:0]                     beg_go_i,
  input  logic [Lanes-1:0][Operands-1:0]       beg_used_i,
  input  logic [Lanes-1:0][Operands-1:0]       beg_hold_i,
  input  logic [Lanes-1:0][Operands-1:0]       beg_advance_i,
  input  logic [Lanes-1:0][Operands-1:0]       beg_writes_i,
  input  logic [Lanes-1:0][Operands-1:0][IdBits-1:0]  beg_id_i,
  output logic [Lanes-1:0]                     beg_ready_o,
  output logic [Lanes-1:0][1:0]                beg_operand_o,
  output logic [Lanes-1:0][Operands-1:0][Bits-1:0] beg_tile_o,

  output logic [Buffers-1:0][CountBits-1:0] full_o
);

  typedef logic [Bits-1:0]      word_t;
  typedef logic [CountBits-1:0] count_t;

  // Fixed by the definition …
  word_t  base_q[Buffers], bytes_q[Buffers];
  count_t depth_q[Buffers];
  // … and what commands move: tiles pushed and not popped, pushed and not taken, reserved and not popped; the tile being
  // written, the next to write, the next to read (their places and addresses).
  count_t full_q[Buffers], data_q[Buffers], used_q[Buffers], next_slot_q[Buffers], read_slot_q[Buffers];
  word_t  next_q[Buffers], write_q[Buffers], read_q[Buffers];
  logic   reserved_q[Buffers];

  word_t  base[Buffers], bytes[Buffers], next[Buffers], write[Buffers], read[Buffers];
  count_t depth[Buffers], full[Buffers], data[Buffers], used[Buffers], next_slot[Buffers], read_slot[Buffers];
  logic   reserved[Buffers];

  always_comb begin
    logic [IdBits-1:0] f, b;
    base = base_q;
    bytes = bytes_q;
    depth = depth_q;
    full = full_q;
    data = data_q;
    used = used_q;
    next_slot = next_slot_q;
    next = next_q;
    write = write_q;
    read_slot = read_slot_q;
    read = read_q;
    reserved = reserved_q;
    f = '0;
    b = '0;
    beg_ready_o = '0;
    beg_operand_o = '0;
    beg_tile_o = '0;

    if (def_valid_i) begin
      base[def_id_i] = def_base_i;
      bytes[def_id_i] = def_bytes_i;
      depth[def_id_i] = def_depth_i;
      full[def_id_i] = '0;
      data[def_id_i] = '0;
      used[def_id_i] = '0;
      next_slot[def_id_i] = '0;
      next[def_id_i] = def_base_i;
      write[def_id_i] = def_base_i;
      read_slot[def_id_i] = '0;
      read[def_id_i] = def_base_i;
      reserved[def_id_i] = 1'b0;
    end

    for (int unsigned l = 0; l < Lanes; l++)
      for (int unsigned i = 0; i < Operands; i++)
        if (fin_advance_i[l][i]) begin
          f = fin_id_i[l][i];
          if (fin_writes_i[l][i]) begin
            full[f] += 1;
            data[f] += 1;
          end else begin
            full[f] -= 1;
            used[f] -= 1;
          end
        end

    for (int unsigned l = 0; l < Lanes; l++)
      if (beg_valid_i[l]) begin
        beg_ready_o[l] = 1'b1;
        for (int unsigned i = 0; i < Operands; i++) begin
          b = beg_id_i[l][i];
          if (beg_ready_o[l] && beg_used_i[l][i] && beg_hold_i[l][i] && depth[b] != 0)
            if (beg_writes_i[l][i] ? !reserved[b] && used[b] >= depth[b] : data[b] == 0) begin
              beg_ready_o[l] = 1'b0;
              beg_operand_o[l] = i[1:0];
            end
        end
        if (beg_ready_o[l] && beg_go_i[l]) begin
          for (int unsigned i = 0; i < Operands; i++)
            if (beg_used_i[l][i]) begin
              b = beg_id_i[l][i];
              if (beg_writes_i[l][i] && depth[b] != 0) begin
                if (beg_hold_i[l][i]) begin
                  used[b] += 1;
                  write[b] = next[b];
                  if (next_slot[b] + 1 == depth[b]) begin
                    next_slot[b] = '0;
                    next[b] = base[b];
                  end else begin
                    next_slot[b] += 1;
                    next[b] += bytes[b];
                  end
                end
                reserved[b] = !beg_advance_i[l][i];
              end
              beg_tile_o[l][i] = beg_writes_i[l][i] ? write[b] : read[b];
            end
          // Only now: two operands of a command may share a head tile.
          for (int unsigned i = 0; i < Operands; i++)
            if (beg_used_i[l][i] && !beg_writes_i[l][i] && beg_advance_i[l][i]) begin
              b = beg_id_i[l][i];
              data[b] -= 1;
              if (read_slot[b] + 1 == depth[b]) begin
                read_slot[b] = '0;
                read[b] = base[b];
              end else begin
                read_slot[b] += 1;
                read[b] += bytes[b];
              end
            end
        end
      end
  end

  always_comb
    for (int unsigned b = 0; b < Buffers; b++) full_o[b] = full_q[b];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      base_q <= '{default: '0};
      bytes_q <= '{default: '0};
      depth_q <= '{default: '0};
      full_q <= '{default: '0};
      data_q <= '{default: '0};
      used_q <= '{default: '0};
      next_slot_q <= '{default: '0};
      next_q <= '{default: '0};
      write_q <= '{default: '0};
      read_slot_q <= '{default: '0};
      read_q <= '{default: '0};
      reserved_q <= '{default: '0};
    end else begin
      base_q <= base;
      bytes_q <= bytes;
      depth_q <= depth;
      full_q <= full;
      data_q <= data;
      used_q <= used;
      next_slot_q <= next_slot;
      next_q <= next;
      write_q <= write;
      read_slot_q <= read_slot;
      read_q <= read;
      reserved_q <= reserved;
    end
  end

endmodule
