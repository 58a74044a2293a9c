# router | router/router.sv | h_ready
s/if (h_valid_i\[b\] \&\& older_by\[StampBits-1\])/if (h_valid_i[b] \&\& b != a \&\& !older_by[StampBits-1])/
