# router | router/router.sv | g_cycles
s/BeatBytes + LinkBytes - 32'd1) \/ LinkBytes/BeatBytes) \/ LinkBytes/
