// fp32 arithmetic of the numerics contract (docs/why/002-numerics.md) where both factors are fp32: the fused multiply-add
// and the quotient, one rounding to nearest even each, subnormals kept, NaN canonical.
package fp32_pkg;

  localparam int unsigned W = 76;  // of a sum: the larger one's 48 bits from bit 74 on, guards, a carry

  function automatic logic [W-1:0] shift_sticky(logic [W-1:0] x, logic [10:0] by);
    logic [W-1:0] kept;
    if (by > 11'd75) return {75'b0, x != 0};
    kept = x >> by[6:0];
    return kept | {75'b0, (kept << by[6:0]) != x};
  endfunction

  // value = sum * 2^exponent; `sum` is not zero.
  function automatic logic [31:0] round(logic sign, logic [W-1:0] sum, logic signed [10:0] exponent);
    logic [W-1:0]       s;
    logic signed [10:0] e;
    s = sum;
    e = exponent;
    if (s[75:44] == 0) begin s = s << 32; e = e - 11'sd32; end
    if (s[75:60] == 0) begin s = s << 16; e = e - 11'sd16; end
    if (s[75:68] == 0) begin s = s << 8; e = e - 11'sd8; end
    return fp_pkg::round(sign, {s[75:25], s[24:0] != 0}, e + 11'sd24);
  endfunction

  // c + a * b
  function automatic logic [31:0] fma(logic [31:0] a, logic [31:0] b, logic [31:0] c);
    /* verilator no_inline_task */
    logic               sign, swap, differ;
    fp_pkg::normal_t    x, y, z;
    logic [47:0]        product;
    logic signed [10:0] pe, ze, d;  // exponents of the leading bit's place: product's bit 47, c's bit 23
    logic [W-1:0]       p, q, sum;
    sign = a[31] ^ b[31];
    if (fp_pkg::is_nan(a[30:0]) || fp_pkg::is_nan(b[30:0]) || fp_pkg::is_nan(c[30:0])) return fp_pkg::CANONICAL_NAN;
    if (fp_pkg::is_inf(a[30:0]) || fp_pkg::is_inf(b[30:0])) begin
      if (a[30:0] == 0 || b[30:0] == 0) return fp_pkg::CANONICAL_NAN;
      if (fp_pkg::is_inf(c[30:0]) && c[31] != sign) return fp_pkg::CANONICAL_NAN;
      return {sign, 8'hff, 23'b0};
    end
    if (fp_pkg::is_inf(c[30:0])) return c;
    if (a[30:0] == 0 || b[30:0] == 0) return c[30:0] == 0 ? {sign && c[31], 31'b0} : c;
    x = fp_pkg::normalise(fp_pkg::unpack(a[30:0]));
    y = fp_pkg::normalise(fp_pkg::unpack(b[30:0]));
    product = 48'(x.sig) * 48'(y.sig);
    pe = x.exponent + y.exponent + 11'sd47;
    p = {1'b0, product, 27'b0};
    if (c[30:0] == 0) return round(sign, p, pe - 11'sd74);
    z = fp_pkg::normalise(fp_pkg::unpack(c[30:0]));
    ze = z.exponent + 11'sd23;
    q = {1'b0, z.sig, 51'b0};
    swap = ze > pe;
    d = swap ? ze - pe : pe - ze;
    if (swap) p = shift_sticky(p, $unsigned(d));
    else q = shift_sticky(q, $unsigned(d));
    differ = sign ^ c[31];
    if (!differ) sum = p + q;
    else if (p >= q) sum = p - q;
    else sum = q - p;
    if (sum == 0) return 32'b0;
    return round(differ && p < q ? c[31] : sign, sum, (swap ? ze : pe) - 11'sd74);
  endfunction

  function automatic logic [31:0] multiply(logic [31:0] a, logic [31:0] b);
    return fma(a, b, 32'h80000000);  // plus -0 keeps every sign
  endfunction

  // a / b
  function automatic logic [31:0] divide(logic [31:0] a, logic [31:0] b);
    /* verilator no_inline_task */
    logic            sign;
    fp_pkg::normal_t x, y;
    logic [50:0]     high, quotient;
    sign = a[31] ^ b[31];
    if (fp_pkg::is_nan(a[30:0]) || fp_pkg::is_nan(b[30:0])) return fp_pkg::CANONICAL_NAN;
    if (fp_pkg::is_inf(a[30:0])) return fp_pkg::is_inf(b[30:0]) ? fp_pkg::CANONICAL_NAN : {sign, 8'hff, 23'b0};
    if (a[30:0] == 0 && b[30:0] == 0) return fp_pkg::CANONICAL_NAN;
    if (a[30:0] == 0 || fp_pkg::is_inf(b[30:0])) return {sign, 31'b0};
    if (b[30:0] == 0) return {sign, 8'hff, 23'b0};
    x = fp_pkg::normalise(fp_pkg::unpack(a[30:0]));
    y = fp_pkg::normalise(fp_pkg::unpack(b[30:0]));
    high = {x.sig, 27'b0};
    quotient = high / 51'(y.sig);
    return round(sign, {quotient[27:0], 47'b0, quotient * 51'(y.sig) != high}, x.exponent - y.exponent - 11'sd75);
  endfunction

endpackage
