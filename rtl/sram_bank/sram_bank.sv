// A bank of the shared SRAM with its arbiter, as model/sram/sram.h serves requests.
//
// Four ports ask for bytes of the bank: 0 loads (read), 1 stores (write), 2 fills of the LLC (write), 3 write-backs of its
// dirty lines (read). They are granted in the order in which they come, those of one clock in the order of their ports;
// none overtakes. Channel q: a port's request, taken when its q_ready is there: the queue of Depth requests has room for it
// and for one of each port before it. Channel m: the beats of the request that is granted, one a clock, BankBytes each and
// the last one what is left; the first beat comes in the clock after the request was taken, or after the last beat of the one
// before. a_valid marks a write's last beat: it is acknowledged with it. Channel r: a read's beats again, LatencyCycles
// later. q_tag comes back on m and r. All outputs depend on registers only.
// Outside: the memory itself and its addresses, the choice of the bank, requests that find no room, the network.
module sram_bank #(
  parameter int unsigned BankBytes = 64,
  parameter int unsigned LatencyCycles = 60,
  parameter int unsigned LineBytes = 512,
  parameter int unsigned InterleaveBytes = 512,
  localparam int unsigned Ports = 4,
  localparam int unsigned PortBits = 2,
  localparam int unsigned TagBits = 4,
  localparam int unsigned Depth = 8,
  localparam int unsigned BytesBits = $clog2((LineBytes > InterleaveBytes ? LineBytes : InterleaveBytes) + 1),
  localparam int unsigned BeatBits = $clog2(BankBytes + 1)
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  input  logic [Ports-1:0]           q_valid_i,
  output logic [Ports-1:0]           q_ready_o,
  input  logic [Ports*BytesBits-1:0] q_bytes_i,
  input  logic [Ports*TagBits-1:0]   q_tag_i,

  output logic                       m_valid_o,
  output logic                       m_write_o,
  output logic [PortBits-1:0]        m_port_o,
  output logic [TagBits-1:0]         m_tag_o,
  output logic                       m_first_o,
  output logic                       m_last_o,
  output logic [BeatBits-1:0]        m_bytes_o,
  output logic                       a_valid_o,

  output logic                       r_valid_o,
  output logic [PortBits-1:0]        r_port_o,
  output logic [TagBits-1:0]         r_tag_o,
  output logic                       r_last_o
);

  localparam int unsigned CountBits = $clog2(Depth + 1);
  localparam int unsigned NameBits = PortBits + TagBits;
  localparam int unsigned EntryBits = NameBits + BytesBits;  // of the queue: port, tag, bytes
  localparam int unsigned StageBits = NameBits + 2;          // of a read's latency: valid, last, port, tag
  localparam int unsigned QueueBits = Depth * EntryBits;
  localparam int unsigned PipeBits = LatencyCycles * StageBits;

  // Requests in the order of their coming, the granted one at the low end.
  logic [QueueBits-1:0] queue_q, queue_d;
  logic [CountBits-1:0] count_q, count_d;
  // Of the granted one: it has had a beat, and this is left of it.
  logic                 begun_q;
  logic [BytesBits-1:0] left_q;
  // Beats of reads on their way out, the oldest one at the high end.
  logic [PipeBits-1:0]  pipe_q;

  // ---- the granted request's beat ----
  logic [BytesBits-1:0] left;

  assign left = begun_q ? left_q : queue_q[BytesBits-1:0];
  assign m_valid_o = count_q != '0;
  assign m_tag_o = queue_q[BytesBits +: TagBits];
  assign m_port_o = queue_q[BytesBits+TagBits +: PortBits];
  assign m_write_o = m_port_o[0] != m_port_o[1];
  assign m_first_o = !begun_q;
  assign m_last_o = 32'(left) <= BankBytes;
  assign m_bytes_o = m_last_o ? BeatBits'(left) : BeatBits'(BankBytes);
  assign a_valid_o = m_valid_o && m_last_o && m_write_o;

  // ---- the order of requests ----
  logic [Ports-1:0] take;
  logic             leave;

  assign leave = m_valid_o && m_last_o;
  assign take = q_valid_i & q_ready_o;

  always_comb begin
    for (int unsigned p = 0; p < Ports; p++) q_ready_o[p] = 32'(count_q) + p < Depth;
  end

  always_comb begin
    queue_d = leave ? queue_q >> EntryBits : queue_q;
    count_d = leave ? count_q - CountBits'(1) : count_q;
    for (int unsigned p = 0; p < Ports; p++) begin
      for (int unsigned slot = 0; slot < Depth; slot++)
        if (take[p] && 32'(count_d) == slot)
          queue_d[slot*EntryBits +: EntryBits] =
              {PortBits'(p), q_tag_i[p*TagBits +: TagBits], q_bytes_i[p*BytesBits +: BytesBits]};
      if (take[p]) count_d = count_d + CountBits'(1);
    end
  end

  // ---- reads come out after the latency ----
  logic [StageBits-1:0] stage, out;

  assign stage = {m_valid_o && !m_write_o, m_last_o, m_port_o, m_tag_o};
  assign out = pipe_q[PipeBits-1 -: StageBits];
  assign r_valid_o = out[StageBits-1];
  assign r_last_o = out[StageBits-2];
  assign r_port_o = out[TagBits +: PortBits];
  assign r_tag_o = out[TagBits-1:0];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q <= '0;
      begun_q <= 1'b0;
      pipe_q <= '0;
    end else begin
      count_q <= count_d;
      begun_q <= m_valid_o && !m_last_o;
      pipe_q <= pipe_q << StageBits | PipeBits'(stage);
    end
  end

  always_ff @(posedge clk_i) begin
    queue_q <= queue_d;
    left_q <= left - BytesBits'(BankBytes);
  end

endmodule
