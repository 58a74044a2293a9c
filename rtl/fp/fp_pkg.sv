// Arithmetic of the numerics contract (docs/why/002-numerics.md): operands of any narrow type in one exact form, the
// fp32 fused multiply-add (exact product, one rounding to nearest even, subnormals kept, NaN canonical), the fp32 sum
// and the conversions from fp32.
package fp_pkg;

  localparam logic [31:0] CANONICAL_NAN = 32'h7fc00000;

  // value = (-1)^sign * sig * 2^exponent; every number but zero has sig[10] set.
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
    if (!o.sig[10] && o.sig != 0) begin  // subnormal
      if (o.sig[10:3] == 0) begin o.sig = o.sig << 8; o.exponent = o.exponent - 9'sd8; end
      if (o.sig[10:7] == 0) begin o.sig = o.sig << 4; o.exponent = o.exponent - 9'sd4; end
      if (o.sig[10:9] == 0) begin o.sig = o.sig << 2; o.exponent = o.exponent - 9'sd2; end
      if (!o.sig[10]) begin o.sig = o.sig << 1; o.exponent = o.exponent - 9'sd1; end
    end
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
    if (!y.sig[23]) begin  // subnormal
      if (y.sig[23:8] == 0) begin y.sig = y.sig << 16; y.exponent = y.exponent - 11'sd16; end
      if (y.sig[23:16] == 0) begin y.sig = y.sig << 8; y.exponent = y.exponent - 11'sd8; end
      if (y.sig[23:20] == 0) begin y.sig = y.sig << 4; y.exponent = y.exponent - 11'sd4; end
      if (y.sig[23:22] == 0) begin y.sig = y.sig << 2; y.exponent = y.exponent - 11'sd2; end
      if (!y.sig[23]) begin y.sig = y.sig << 1; y.exponent = y.exponent - 11'sd1; end
    end
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
    logic               last, up;
    logic [30:0]        magnitude;
    s = sum;
    e = exponent + 11'sd178;
    if (s[51:50] == 0) begin  // after cancellation only
      if (s[51:20] == 0) begin s = s << 32; e = e - 11'sd32; end
      if (s[51:36] == 0) begin s = s << 16; e = e - 11'sd16; end
      if (s[51:44] == 0) begin s = s << 8; e = e - 11'sd8; end
      if (s[51:48] == 0) begin s = s << 4; e = e - 11'sd4; end
      if (s[51:50] == 0) begin s = s << 2; e = e - 11'sd2; end
    end
    last = !s[51];
    s = s << last;
    e = e - $signed({10'b0, last});
    if (e >= 11'sd255) return {sign, 8'hff, 23'b0};
    if (e <= 0) begin
      s = shift_sticky(s, 11'd1 - $unsigned(e));
      e = 0;
    end
    up = s[27] && (s[28] || s[26:0] != 0);
    magnitude = {e[7:0], s[50:28]} + {30'b0, up};
    return {sign, magnitude};
  endfunction

  function automatic logic is_nan(logic [30:0] x);
    return x > {8'hff, 23'b0};
  endfunction

  function automatic logic is_inf(logic [30:0] x);
    return x == {8'hff, 23'b0};
  endfunction

  // The magnitude of a finite fp32 number, not normalised.
  function automatic normal_t unpack(logic [30:0] x);
    normal_t y;
    y.sig = {x[30:23] != 0, x[22:0]};
    y.exponent = $signed({3'b0, x[30:23] == 0 ? 8'd1 : x[30:23]}) - 11'sd150;
    return y;
  endfunction

  // The sum of two numbers, bit 23 of whose significands is set.
  function automatic logic [31:0] sum_of(logic p_sign, logic signed [10:0] p_exponent, logic [23:0] p_sig,
                                         logic q_sign, logic signed [10:0] q_exponent, logic [23:0] q_sig);
    logic               swap, differ;
    logic signed [10:0] by;
    logic [51:0]        big, low, sum;
    by = p_exponent - q_exponent;
    swap = by < 0 || (by == 0 && q_sig > p_sig);
    big = {1'b0, swap ? q_sig : p_sig, 27'b0};
    low = shift_sticky({1'b0, swap ? p_sig : q_sig, 27'b0}, $unsigned(swap ? -by : by));
    differ = p_sign ^ q_sign;
    sum = differ ? big - low : big + low;
    if (sum == 0) return 32'b0;
    return round(swap ? q_sign : p_sign, sum, (swap ? q_exponent : p_exponent) - 11'sd27);
  endfunction

  // c + a * b
  function automatic logic [31:0] fma(operand_t a, operand_t b, logic [31:0] c);
    /* verilator no_inline_task */
    logic               sign;
    logic signed [10:0] p_exponent, q_exponent;
    logic [23:0]        p_sig, q_sig;
    normal_t            subnormal;
    sign = a.sign ^ b.sign;
    if (a.nan || b.nan || is_nan(c[30:0])) return CANONICAL_NAN;
    if (a.inf || b.inf) begin
      if (!a.inf && a.sig == 0) return CANONICAL_NAN;
      if (!b.inf && b.sig == 0) return CANONICAL_NAN;
      if (is_inf(c[30:0]) && c[31] != sign) return CANONICAL_NAN;
      return {sign, 8'hff, 23'b0};
    end
    if (is_inf(c[30:0])) return c;
    p_sig = {22'(a.sig) * 22'(b.sig), 2'b0};
    p_exponent = 11'(a.exponent) + 11'(b.exponent) - 11'sd2;
    if (p_sig == 0) return c[30:0] == 0 ? {sign && c[31], 31'b0} : c;
    if (!p_sig[23]) begin
      p_sig = p_sig << 1;
      p_exponent = p_exponent - 11'sd1;
    end
    q_sig = {1'b1, c[22:0]};
    q_exponent = $signed({3'b0, c[30:23]}) - 11'sd150;
    if (c[30:23] == 0) begin
      if (c[22:0] == 0) return round(sign, {1'b0, p_sig, 27'b0}, p_exponent - 11'sd27);
      subnormal = normalise(unpack(c[30:0]));
      q_sig = subnormal.sig;
      q_exponent = subnormal.exponent;
    end
    return sum_of(sign, p_exponent, p_sig, c[31], q_exponent, q_sig);
  endfunction

  // x + y
  function automatic logic [31:0] add(logic [31:0] x, logic [31:0] y);
    /* verilator no_inline_task */
    normal_t p, q;
    if (is_nan(x[30:0]) || is_nan(y[30:0])) return CANONICAL_NAN;
    if (is_inf(x[30:0])) return is_inf(y[30:0]) && x[31] != y[31] ? CANONICAL_NAN : x;
    if (is_inf(y[30:0])) return y;
    p = unpack(x[30:0]);
    q = unpack(y[30:0]);
    if (p.sig == 0 && q.sig == 0) return {x[31] && y[31], 31'b0};
    if (p.sig == 0) return y;
    if (q.sig == 0) return x;
    p = normalise(p);
    q = normalise(q);
    return sum_of(x[31], p.exponent, p.sig, y[31], q.exponent, q.sig);
  endfunction

  // What tells a narrow type's encoding of magnitudes apart: value = (magnitude's mantissa and exponent) with this bias;
  // above `largest` comes `overflow`.
  typedef struct packed {
    logic [3:0]         mantissa;
    logic signed [10:0] bias;
    logic [15:0]        largest, overflow, nan;
  } encoding_t;

  function automatic encoding_t encoding(isa_pkg::dtype_e dtype);
    unique case (dtype)
      isa_pkg::DTYPE_BF16: return '{4'd7, 11'sd127, 16'h7f7f, 16'h7f80, 16'h7fc0};
      isa_pkg::DTYPE_FP16: return '{4'd10, 11'sd15, 16'h7bff, 16'h7c00, 16'h7e00};
      isa_pkg::DTYPE_FP8_E4M3: return '{4'd3, 11'sd7, 16'h7e, 16'h7e, 16'h7f};
      default: return '{4'd2, 11'sd15, 16'h7b, 16'h7c, 16'h7e};  // DTYPE_FP8_E5M2
    endcase
  endfunction

  // An fp32 number as `dtype`, rounded to nearest even, in the low bits; fp32 itself passes unchanged.
  function automatic logic [31:0] convert(isa_pkg::dtype_e dtype, logic [31:0] x);
    /* verilator no_inline_task */
    encoding_t          to;
    normal_t            from;
    logic signed [10:0] e;  // biased exponent in `dtype`; 0 and below: subnormal
    logic signed [10:0] by;
    logic [50:0]        s;  // bit 26: the unit in the last place
    logic               up;
    logic [31:0]        magnitude;
    if (dtype == isa_pkg::DTYPE_FP32) return x;
    to = encoding(dtype);
    if (is_nan(x[30:0])) return {16'b0, to.nan};
    from = unpack(x[30:0]);
    e = from.exponent + 11'sd23 + to.bias;
    by = 11'sd23 - $signed({7'b0, to.mantissa});
    if (e <= 0) begin
      by = by + 11'sd1 - e;
      e = 11'sd1;
    end
    s = by > 11'sd50 ? '0 : {1'b0, from.sig, 26'b0} >> by[5:0];
    up = s[25] && (s[26] || s[24:0] != 0);
    magnitude = ({21'b0, e} - 32'd1 << to.mantissa) + {7'b0, s[50:26]} + {31'b0, up};
    if (magnitude > {16'b0, to.largest}) magnitude = {16'b0, to.overflow};
    if (dtype == isa_pkg::DTYPE_BF16 || dtype == isa_pkg::DTYPE_FP16) magnitude[15] = x[31];
    else magnitude[7] = x[31];
    return magnitude;
  endfunction

endpackage
