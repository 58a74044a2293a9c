# router | router/router.sv | g_ways
s/(along_row || grant\[South\]) \&\& in_columns \&\& row_i < row_last/(along_row || grant[South]) \&\& row_i < row_last/
