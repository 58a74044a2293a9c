// What a cache of a given size can hit of a stream of lookups, without simulating the cache: the references
// that a run's LLC hit rate is held against.
#pragma once

#include <cstdint>
#include <span>

namespace leto {

/// Exactly, for a fully associative cache of `capacity` rows that evicts the least recently used: a lookup
/// hits when fewer than `capacity` other rows were looked up since the last time (Mattson et al. 1970).
double lru_hit_rate(std::span<const std::int64_t> lookups, std::int64_t capacity);

/// Che's approximation (Che, Tung and Wang 2002) from how often each row comes, whatever the order: a row
/// looked up with frequency p stays for the time t in which `capacity` different rows come, so a share of
/// 1 - e^(-p t) of its lookups hits. The cache is full from the start: first lookups are not misses by
/// themselves, so the stream must be long beside the capacity.
double che_hit_rate(std::span<const std::int64_t> lookups, std::int64_t capacity);

}  // namespace leto
