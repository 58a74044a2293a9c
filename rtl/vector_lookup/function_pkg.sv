// The non-linear functions of the vector engine: tables of coefficients, and the fp32 operations of base/math_kernels.h
// in that text's order. A NaN goes to value_of only.
package function_pkg;

  localparam logic [31:0] Log2e = 32'h3fb8aa3b;
  localparam logic [31:0] Ln2High = 32'h3f317200;
  localparam logic [31:0] Ln2Low = 32'h35bfbe8e;
  localparam logic [31:0] NegLn2High = 32'hbf317200;
  localparam logic [31:0] NegLn2Low = 32'hb5bfbe8e;
  localparam logic [31:0] RoundToInteger = 32'h4b400000;
  localparam logic [31:0] NegRoundToInteger = 32'hcb400000;
  localparam logic [31:0] One = 32'h3f800000;
  localparam logic [31:0] NegOne = 32'hbf800000;
  localparam logic [31:0] Two = 32'h40000000;
  localparam logic [31:0] NegHalf = 32'hbf000000;

  // ---- tables: coefficient c0 first, zero above the degree ----
  function automatic logic [31:0] exponential_table(logic [3:0] i);
    unique case (i)
      4'd0: return 32'h3f000000;
      4'd1: return 32'h3e2aaaaa;
      4'd2: return 32'h3d2aaa43;
      4'd3: return 32'h3c088940;
      4'd4: return 32'h3ab6ca2e;
      4'd5: return 32'h394f8165;
      default: return '0;
    endcase
  endfunction

  function automatic logic [31:0] logarithm_table(logic [3:0] i);
    unique case (i)
      4'd0: return 32'h3eaaaaa4;
      4'd1: return 32'hbe800003;
      4'd2: return 32'h3e4cd25b;
      4'd3: return 32'hbe2aae27;
      4'd4: return 32'h3e119bb4;
      4'd5: return 32'hbdfe1103;
      4'd6: return 32'h3df37833;
      4'd7: return 32'hbdef1e0f;
      4'd8: return 32'h3d8a2bde;
      default: return '0;
    endcase
  endfunction

  function automatic logic [31:0] tanh_table(logic [3:0] i);
    unique case (i)
      4'd0: return 32'hbeaaaaa5;
      4'd1: return 32'h3e088693;
      4'd2: return 32'hbd5c943d;
      4'd3: return 32'h3cac9e84;
      4'd4: return 32'hbbcd9823;
      default: return '0;
    endcase
  endfunction

  function automatic logic [31:0] erf_table(logic [3:0] i);
    unique case (i)
      4'd0: return 32'h3e0375d4;
      4'd1: return 32'hbec093a2;
      4'd2: return 32'h3de71742;
      4'd3: return 32'hbcdc0cd3;
      4'd4: return 32'h3baa9d5d;
      4'd5: return 32'hba573fc9;
      4'd6: return 32'h38b5efa8;
      default: return '0;
    endcase
  endfunction

  function automatic logic [31:0] erfc_table(logic [3:0] i);
    unique case (i)
      4'd0: return 32'hb929e533;
      4'd1: return 32'h3f9091ec;
      4'd2: return 32'h3f222b51;
      4'd3: return 32'h3ddd77ff;
      4'd4: return 32'hbccd05b9;
      4'd5: return 32'h3b87844f;
      4'd6: return 32'hb9dfea1e;
      4'd7: return 32'h37ab8ef9;
      default: return '0;
    endcase
  endfunction

  function automatic logic [31:0] polynomial(isa_pkg::vector_op_e table_of, logic complement,
                                             logic [31:0] t);
    logic [31:0] sum, c;
    sum = '0;
    for (int i = 8; i >= 0; i--) begin
      unique case (table_of)
        isa_pkg::VECTOR_OP_EXPONENTIAL: c = exponential_table(4'(i));
        isa_pkg::VECTOR_OP_LOGARITHM: c = logarithm_table(4'(i));
        isa_pkg::VECTOR_OP_TANH: c = tanh_table(4'(i));
        default: c = complement ? erfc_table(4'(i)) : erf_table(4'(i));  // VECTOR_OP_ERF
      endcase
      // Zero above the degree; 0 * t + c is c.
      sum = sum == '0 ? c : fp32_pkg::fma(sum, t, c);
    end
    return sum;
  endfunction

  // 2^k for k in [-126, 127].
  function automatic logic [31:0] power_of_two(logic signed [31:0] k);
    return ($unsigned(k) << 23) + One;
  endfunction

  function automatic logic [31:0] exponential_core(logic [31:0] of);
    /* verilator no_inline_task */
    logic [31:0]        x, shifted, k, r, q, p;
    logic signed [31:0] exponent, half;
    x = of;
    if (x[30:0] > 31'h42b20000 && !x[31]) x = {1'b0, 31'h42b20000};
    if (x[30:0] > 31'h42d20000 && x[31]) x = {1'b1, 31'h42d20000};
    shifted = fp32_pkg::fma(x, Log2e, RoundToInteger);
    k = fp_pkg::add(shifted, NegRoundToInteger);
    r = fp32_pkg::fma(k, NegLn2Low, fp32_pkg::fma(k, NegLn2High, x));
    q = polynomial(isa_pkg::VECTOR_OP_EXPONENTIAL, 1'b0, r);
    p = fp_pkg::add(fp32_pkg::fma(fp32_pkg::multiply(r, r), q, r), One);
    exponent = $signed(shifted - RoundToInteger);
    half = exponent >>> 1;
    return fp32_pkg::multiply(fp32_pkg::multiply(p, power_of_two(half)), power_of_two(exponent - half));
  endfunction

  function automatic logic [31:0] logarithm(logic [31:0] x);
    /* verilator no_inline_task */
    localparam logic [31:0] SqrtHalf = 32'h3f3504f3, Scale = 32'h4b000000, NegScaled = 32'hc1b80000;
    logic        subnormal;
    logic [31:0] bits, e, f, p, square, tail;
    logic signed [31:0] exponent;
    if (x[30:0] == 0) return {1'b1, 8'hff, 23'b0};
    if (x[31]) return fp_pkg::CANONICAL_NAN;
    if (fp_pkg::is_inf(x[30:0])) return x;
    subnormal = x[30:23] == 0;
    bits = (subnormal ? fp32_pkg::multiply(x, Scale) : x) - SqrtHalf;
    exponent = $signed(bits) >>> 23;
    e = fp_pkg::add(RoundToInteger + $unsigned(exponent), NegRoundToInteger);  // as fp32, exactly
    if (subnormal) e = fp_pkg::add(e, NegScaled);
    f = fp_pkg::add({9'b0, bits[22:0]} + SqrtHalf, NegOne);
    p = polynomial(isa_pkg::VECTOR_OP_LOGARITHM, 1'b0, f);
    square = fp32_pkg::multiply(f, f);
    tail = fp32_pkg::fma(NegHalf, square, fp32_pkg::fma(fp32_pkg::multiply(square, f), p, fp32_pkg::multiply(e, Ln2Low)));
    return fp32_pkg::fma(e, Ln2High, fp_pkg::add(f, tail));
  endfunction

  function automatic logic [31:0] hyperbolic_tangent(logic [31:0] x);
    /* verilator no_inline_task */
    logic [31:0] a, square, p, y;
    a = {1'b0, x[30:0]};
    if (x[30:0] < 31'h3f0ccccd) begin
      square = fp32_pkg::multiply(a, a);
      p = polynomial(isa_pkg::VECTOR_OP_TANH, 1'b0, square);
      y = fp32_pkg::fma(fp32_pkg::multiply(a, square), p, a);
    end else begin
      y = fp32_pkg::divide(Two, fp_pkg::add(exponential_core(fp32_pkg::multiply(Two, a)), One));
      y = fp_pkg::add(One, {!y[31], y[30:0]});
    end
    return {x[31], y[30:0]};
  endfunction

  function automatic logic [31:0] error_function(logic [31:0] x);
    /* verilator no_inline_task */
    logic [31:0] a, p, y;
    a = {1'b0, x[30:0]};
    if (x[30:0] < 31'h3f600000) begin
      p = polynomial(isa_pkg::VECTOR_OP_ERF, 1'b0, fp32_pkg::multiply(a, a));
      y = fp32_pkg::fma(a, p, a);
    end else begin
      p = polynomial(isa_pkg::VECTOR_OP_ERF, 1'b1, x[30:0] > 31'h407ccccd ? {1'b0, 31'h407ccccd} : a);
      y = exponential_core({!p[31], p[30:0]});
      y = fp_pkg::add(One, {!y[31], y[30:0]});
    end
    return {x[31], y[30:0]};
  endfunction

  // The quotient is corrected by its remainder and by what 1 + z lost in rounding.
  function automatic logic [31:0] sigmoid(logic [31:0] x);
    /* verilator no_inline_task */
    logic [31:0] z, numerator, sum, above, lost, inverse, quotient, minus, remainder;
    z = exponential_core({1'b1, x[30:0]});
    numerator = x[31] && x[30:0] != 0 ? z : One;
    sum = fp_pkg::add(One, z);
    above = fp_pkg::add(sum, NegOne);
    lost = fp_pkg::add(z, {!above[31], above[30:0]});
    inverse = fp32_pkg::divide(One, sum);
    quotient = fp32_pkg::multiply(numerator, inverse);
    minus = {!quotient[31], quotient[30:0]};
    remainder = fp32_pkg::fma(minus, lost, fp32_pkg::fma(minus, sum, numerator));
    return fp32_pkg::fma(remainder, inverse, quotient);
  endfunction

  function automatic logic [31:0] value_of(isa_pkg::vector_op_e op, logic [31:0] x);
    if (fp_pkg::is_nan(x[30:0])) return fp_pkg::CANONICAL_NAN;
    unique case (op)
      isa_pkg::VECTOR_OP_EXPONENTIAL: return exponential_core(x);
      isa_pkg::VECTOR_OP_LOGARITHM: return logarithm(x);
      isa_pkg::VECTOR_OP_TANH: return hyperbolic_tangent(x);
      isa_pkg::VECTOR_OP_ERF: return error_function(x);
      isa_pkg::VECTOR_OP_SIGMOID: return sigmoid(x);
      default: return fp32_pkg::divide(One, x);  // VECTOR_OP_RECIPROCAL
    endcase
  endfunction

endpackage
