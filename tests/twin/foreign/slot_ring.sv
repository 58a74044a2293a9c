// One circular buffer of eight slots, whose place and size nobody tells it: a strobe for each request, answered in the same
// cycle.
module slot_ring (
  input  logic       ck,
  input  logic       rn,
  input  logic       alloc,
  input  logic       commit,
  input  logic       peek,
  input  logic       free,
  output logic       ok,
  output logic [2:0] slot,
  output logic [3:0] level
);

  logic [3:0] reserved, written, freed;  // counts modulo 16
  logic [3:0] full;
  assign full = written - freed;

  assign ok = alloc ? reserved - freed < 4'd8 : !peek || full != 0;
  assign slot = alloc ? reserved[2:0] : freed[2:0];
  assign level = full + 4'(commit) - 4'(free);

  always_ff @(posedge ck)
    if (!rn) begin
      {reserved, written, freed} <= '0;
    end else begin
      if (alloc && ok) reserved <= reserved + 4'd1;
      if (commit) written <= written + 4'd1;
      if (free) freed <= freed + 4'd1;
    end

endmodule
