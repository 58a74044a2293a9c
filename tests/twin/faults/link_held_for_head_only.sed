# router | router/router.sv | g_head
s/leaves\[way\*WaitBits+:WaitBits\] = later(head, free_in_q\[way\*WaitBits+:WaitBits\]) + WaitBits'(cycles);/leaves[way*WaitBits+:WaitBits] = later(head, free_in_q[way*WaitBits+:WaitBits]) + WaitBits'(1);/
