// Circular buffers behind one port of requests: which tile comes next, and may it be taken. Each request is answered a
// cycle later or when the answer before has gone.
module ring_keeper #(
  parameter int unsigned Rings = 4,
  parameter int unsigned PlaceBits = 16
) (
  input  logic        clk,
  input  logic        rst,
  input  logic        req_valid,
  output logic        req_ready,
  input  logic [2:0]  req_what,   // 4 new, 0 room?, 1 filled, 2 data?, 3 emptied
  input  logic [$clog2(Rings)-1:0]  req_ring,
  input  logic [PlaceBits-1:0] req_start,
  input  logic [PlaceBits-1:0] req_size,
  input  logic [5:0]  req_tiles,
  output logic        ans_valid,
  input  logic        ans_ready,
  output logic        ans_no,
  output logic [PlaceBits-1:0] ans_place,
  output logic [5:0]  ans_held
);

  logic [Rings-1:0][PlaceBits-1:0] start, size, head, tail;
  logic [Rings-1:0][5:0]  tiles, head_slot, tail_slot, held;

  assign req_ready = !ans_valid || ans_ready;

  logic [$clog2(Rings)-1:0] r;
  logic       last_head, last_tail, room;
  assign r = req_ring;
  assign last_head = head_slot[r] + 6'd1 == tiles[r];
  assign last_tail = tail_slot[r] + 6'd1 == tiles[r];
  assign room = held[r] != tiles[r];

  always_ff @(posedge clk)
    if (rst) begin
      ans_valid <= 1'b0;
      ans_no <= 1'b0;
      ans_place <= '0;
      ans_held <= '0;
      tiles <= '0;
      held <= '0;
    end else begin
      if (ans_ready) ans_valid <= 1'b0;
      if (req_valid && req_ready) begin
        ans_valid <= 1'b1;
        ans_no <= 1'b0;
        ans_held <= held[r];
        case (req_what)
          3'd4: begin
            start[r] <= req_start;
            size[r] <= req_size;
            tiles[r] <= req_tiles;
            head[r] <= req_start;
            tail[r] <= req_start;
            {head_slot[r], tail_slot[r], held[r]} <= '0;
            ans_held <= '0;
          end
          3'd0: begin
            ans_no <= !room;
            ans_place <= tail[r];
          end
          3'd1: begin
            held[r] <= held[r] + 6'd1;
            ans_held <= held[r] + 6'd1;
            tail[r] <= last_tail ? start[r] : tail[r] + size[r];
            tail_slot[r] <= last_tail ? '0 : tail_slot[r] + 6'd1;
          end
          3'd2: begin
            ans_no <= held[r] == 0;
            ans_place <= head[r];
          end
          default: begin
            held[r] <= held[r] - 6'd1;
            ans_held <= held[r] - 6'd1;
            head[r] <= last_head ? start[r] : head[r] + size[r];
            head_slot[r] <= last_head ? '0 : head_slot[r] + 6'd1;
          end
        endcase
      end
    end

endmodule
