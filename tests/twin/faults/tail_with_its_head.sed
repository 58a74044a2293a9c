# router | router/router.sv | g_tail
s/assign g_tail_o = .*/assign g_tail_o = head;/
