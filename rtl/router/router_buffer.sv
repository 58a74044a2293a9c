// The buffer of a router between one way in and one way out: Slots slots of SlotBeats beats, which packets fill one
// after the other. A slot is free again when the last packet in it has left. Times count from now: what a slot holds
// is the cycles until it is empty.
//
// fill_i: a packet of which beats_i (up to Slots - 1 slots; of a longer one the rest streams through) lie here leaves in
// leaves_i cycles. room_o: how long, from now, what lies in the slots that its end comes into stays there. load_i sets
// how much of the slot that is being filled is free, of a buffer that is empty else. Once for each pair of ways of
// rtl/router/router.sv.
module router_buffer #(
  parameter int unsigned SlotBeats = 16,
  parameter int unsigned WaitBits = 18,
  parameter int unsigned FillBits = 7,
  parameter int unsigned LeftBits = 4
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                tick_i,
  input  logic                load_i,
  input  logic [LeftBits-1:0] left_i,
  input  logic                fill_i,
  input  logic [FillBits-1:0] beats_i,
  input  logic [WaitBits-1:0] leaves_i,
  output logic [WaitBits-1:0] room_o
);

  localparam int unsigned Slots = 8;
  localparam int unsigned SlotBits = 3;

  logic [Slots*WaitBits-1:0] empty_in_q;  // by slot
  logic [SlotBits-1:0]       slot_q;      // that is being filled …
  logic [LeftBits-1:0]       left_q;      // … and beats free in it

  logic                more;   // slots are needed
  logic [FillBits-1:0] over;   // beats that do not fit into the one that is being filled
  logic [SlotBits-1:0] count;  // slots needed
  logic [LeftBits-1:0] left_then;
  logic [Slots-1:0]    enters, lies;  // slots that the end comes into; in which the packet lies

  assign more = beats_i > FillBits'(left_q);
  assign over = beats_i - FillBits'(left_q);
  assign count = more ? SlotBits'((32'(over) + SlotBeats - 32'd1) / SlotBeats) : '0;
  assign left_then = LeftBits'(32'(left_q) + 32'(count) * SlotBeats - 32'(beats_i));

  always_comb begin
    room_o = '0;
    for (int unsigned s = 0; s < Slots; s++) begin
      enters[s] = fill_i && SlotBits'(SlotBits'(s) - slot_q - 1'b1) < count;
      lies[s] = enters[s] || (fill_i && SlotBits'(s) == slot_q && left_q != '0);
      if (enters[s] && empty_in_q[s*WaitBits+:WaitBits] > room_o) room_o = empty_in_q[s*WaitBits+:WaitBits];
    end
  end

  function automatic logic [WaitBits-1:0] aged(logic [WaitBits-1:0] wait_for, logic by);
    aged = by && wait_for != '0 ? wait_for - 1'b1 : wait_for;
  endfunction

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      empty_in_q <= '0;
      slot_q <= '0;
      left_q <= '0;
    end else begin
      for (int unsigned s = 0; s < Slots; s++)
        empty_in_q[s*WaitBits+:WaitBits] <= aged(lies[s] ? leaves_i : empty_in_q[s*WaitBits+:WaitBits], tick_i);
      if (load_i) left_q <= left_i;
      if (fill_i) begin
        slot_q <= slot_q + count;
        left_q <= left_then;
      end
    end
  end

endmodule
