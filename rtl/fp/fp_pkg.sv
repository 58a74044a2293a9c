// Arithmetic of the numerics contract (docs/why/002-numerics.md): operands of any narrow type in one exact form, and
// the fp32 fused multiply-add: exact product, one rounding to nearest even, subnormals kept, NaN canonical.
package fp_pkg;

  localparam logic [31:0] CANONICAL_NAN = 32'h7fc00000;

  // value = (-1)^sign * sig * 2^exponent; every normal number has sig[10] set.
  typedef struct packed {
    logic              nan;
    logic              inf;
    logic              sign;
    logic signed [8:0] exponent;
    logic [10:0]       sig;
  } operand_t;

  // An element as it lies in memory, 8-bit types in the low byte.
  function automatic operand_t decode(isa_pkg::dtype_e dtype, logic [15:0] bits);
    operand_t o;
    o = '0;
    unique case (dtype)
      isa_pkg::DTYPE_BF16: begin
        o.sign = bits[15];
        o.nan = bits[14:7] == 8'hff && bits[6:0] != 0;
        o.inf = bits[14:7] == 8'hff && bits[6:0] == 0;
        o.sig = {bits[14:7] != 0, bits[6:0], 3'b0};
        o.exponent = $signed({1'b0, bits[14:7] == 0 ? 8'd1 : bits[14:7]}) - 9'sd137;
      end
      isa_pkg::DTYPE_FP16: begin
        o.sign = bits[15];
        o.nan = bits[14:10] == 5'h1f && bits[9:0] != 0;
        o.inf = bits[14:10] == 5'h1f && bits[9:0] == 0;
        o.sig = {bits[14:10] != 0, bits[9:0]};
        o.exponent = $signed({4'b0, bits[14:10] == 0 ? 5'd1 : bits[14:10]}) - 9'sd25;
      end
      isa_pkg::DTYPE_FP8_E4M3: begin
        o.sign = bits[7];
        o.nan = bits[6:0] == 7'h7f;
        o.sig = {bits[6:3] != 0, bits[2:0], 7'b0};
        o.exponent = $signed({5'b0, bits[6:3] == 0 ? 4'd1 : bits[6:3]}) - 9'sd17;
      end
      default: begin  // DTYPE_FP8_E5M2
        o.sign = bits[7];
        o.nan = bits[6:2] == 5'h1f && bits[1:0] != 0;
        o.inf = bits[6:2] == 5'h1f && bits[1:0] == 0;
        o.sig = {bits[6:2] != 0, bits[1:0], 8'b0};
        o.exponent = $signed({4'b0, bits[6:2] == 0 ? 5'd1 : bits[6:2]}) - 9'sd25;
      end
    endcase
    return o;
  endfunction

  // A significand and its exponent, shifted until bit 23 is set; `sig` is not zero.
  typedef struct packed {
    logic [23:0]        sig;
    logic signed [10:0] exponent;
  } normal_t;

  function automatic normal_t normalise(normal_t x);
    normal_t y;
    y = x;
    if (y.sig[23:8] == 0) begin y.sig = y.sig << 16; y.exponent = y.exponent - 11'sd16; end
    if (y.sig[23:16] == 0) begin y.sig = y.sig << 8; y.exponent = y.exponent - 11'sd8; end
    if (y.sig[23:20] == 0) begin y.sig = y.sig << 4; y.exponent = y.exponent - 11'sd4; end
    if (y.sig[23:22] == 0) begin y.sig = y.sig << 2; y.exponent = y.exponent - 11'sd2; end
    if (!y.sig[23]) begin y.sig = y.sig << 1; y.exponent = y.exponent - 11'sd1; end
    return y;
  endfunction

  // The larger magnitude's leading bit is bit 50 of a 52-bit sum; what a shift drops stays as a sticky bit 0.
  function automatic logic [51:0] shift_sticky(logic [51:0] x, logic [10:0] by);
    logic [51:0] kept;
    if (by > 11'd51) return {51'b0, x != 0};
    kept = x >> by[5:0];
    return kept | {51'b0, (kept << by[5:0]) != x};
  endfunction

  // `sum` is not zero; value = sum * 2^exponent.
  function automatic logic [31:0] round(logic sign, logic [51:0] sum, logic signed [10:0] exponent);
    logic [51:0]        s;
    logic signed [10:0] e;  // biased exponent of a sum with bit 51 set
    logic               up;
    logic [30:0]        magnitude;
    s = sum;
    e = exponent + 11'sd178;
    if (s[51:20] == 0) begin s = s << 32; e = e - 11'sd32; end
    if (s[51:36] == 0) begin s = s << 16; e = e - 11'sd16; end
    if (s[51:44] == 0) begin s = s << 8; e = e - 11'sd8; end
    if (s[51:48] == 0) begin s = s << 4; e = e - 11'sd4; end
    if (s[51:50] == 0) begin s = s << 2; e = e - 11'sd2; end
    if (!s[51]) begin s = s << 1; e = e - 11'sd1; end
    if (e >= 11'sd255) return {sign, 8'hff, 23'b0};
    if (e <= 0) begin
      s = shift_sticky(s, 11'd1 - $unsigned(e));
      e = 0;
    end
    up = s[27] && (s[28] || s[26:0] != 0);
    magnitude = {e[7:0], s[50:28]} + {30'b0, up};
    return {sign, magnitude};
  endfunction

  // c + a * b
  function automatic logic [31:0] fma(operand_t a, operand_t b, logic [31:0] c);
    /* verilator no_inline_task */
    logic        sign, c_nan, c_inf, swap;
    normal_t     p, q, big, small_;
    logic [51:0] low, sum;
    sign = a.sign ^ b.sign;
    c_nan = c[30:23] == 8'hff && c[22:0] != 0;
    c_inf = c[30:23] == 8'hff && c[22:0] == 0;
    p.sig = {22'(a.sig) * 22'(b.sig), 2'b0};
    p.exponent = 11'(a.exponent) + 11'(b.exponent) - 11'sd2;
    q.sig = {c[30:23] != 0, c[22:0]};
    q.exponent = $signed({3'b0, c[30:23] == 0 ? 8'd1 : c[30:23]}) - 11'sd150;
    if (a.nan || b.nan || c_nan) return CANONICAL_NAN;
    if (a.inf || b.inf) begin
      if (!a.inf && a.sig == 0) return CANONICAL_NAN;
      if (!b.inf && b.sig == 0) return CANONICAL_NAN;
      if (c_inf && c[31] != sign) return CANONICAL_NAN;
      return {sign, 8'hff, 23'b0};
    end
    if (c_inf) return c;
    if (p.sig == 0) return q.sig == 0 ? {sign && c[31], 31'b0} : c;
    p = normalise(p);
    if (q.sig == 0) return round(sign, {1'b0, p.sig, 27'b0}, p.exponent - 11'sd27);
    q = normalise(q);
    swap = q.exponent > p.exponent || (q.exponent == p.exponent && q.sig > p.sig);
    big = swap ? q : p;
    small_ = swap ? p : q;
    low = shift_sticky({1'b0, small_.sig, 27'b0}, $unsigned(big.exponent - small_.exponent));
    if (sign == c[31]) sum = {1'b0, big.sig, 27'b0} + low;
    else sum = {1'b0, big.sig, 27'b0} - low;
    if (sum == 0) return 32'b0;
    return round(swap ? c[31] : sign, sum, big.exponent - 11'sd27);
  endfunction

endpackage
