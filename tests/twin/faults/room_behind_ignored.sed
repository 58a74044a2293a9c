# router | router/router.sv | g_head
s/later(leaves\[way\*WaitBits+:WaitBits\], c_wait_i\[way\*WaitBits+:WaitBits\])/leaves[way*WaitBits+:WaitBits]/
