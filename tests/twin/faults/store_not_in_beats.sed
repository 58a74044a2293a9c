# address_generator | address_generator/address_generator.sv | p_delay
s/32'(beats) << BeatBits/32'(p_bytes_o)/
