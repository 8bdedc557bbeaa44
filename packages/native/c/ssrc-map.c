#include "ssrc-map.h"

#include <stdlib.h>

static uint32_t first_place(const ssrc_map *map, uint32_t ssrc) { return (ssrc * 2654435761u) & (map->capacity - 1); }

static uint32_t place_of(const ssrc_map *map, uint32_t ssrc) {
  uint32_t mask = map->capacity - 1;
  uint32_t at = first_place(map, ssrc);
  while (map->values[at] != NULL && map->ssrcs[at] != ssrc) at = (at + 1) & mask;
  return at;
}

void *ssrc_get(const ssrc_map *map, uint32_t ssrc) {
  return map->capacity == 0 ? NULL : map->values[place_of(map, ssrc)];
}

void ssrc_fetch(const ssrc_map *map, uint32_t ssrc) {
  if (map->capacity == 0) return;
  uint32_t at = first_place(map, ssrc);
  __builtin_prefetch(&map->ssrcs[at]);
  __builtin_prefetch(&map->values[at]);
}

static bool grow(ssrc_map *map) {
  ssrc_map larger = {.capacity = map->capacity == 0 ? 8 : map->capacity * 2};
  larger.ssrcs = calloc(larger.capacity, sizeof *larger.ssrcs);
  larger.values = calloc(larger.capacity, sizeof *larger.values);
  if (larger.ssrcs == NULL || larger.values == NULL) {
    free(larger.ssrcs);
    free(larger.values);
    return false;
  }
  for (uint32_t i = 0; i < map->capacity; i++) {
    if (map->values[i] == NULL) continue;
    uint32_t at = place_of(&larger, map->ssrcs[i]);
    larger.ssrcs[at] = map->ssrcs[i];
    larger.values[at] = map->values[i];
  }
  free(map->ssrcs);
  free(map->values);
  larger.count = map->count;
  *map = larger;
  return true;
}

bool ssrc_put(ssrc_map *map, uint32_t ssrc, void *value) {
  if (map->count >= SSRC_LIMIT) return false;
  /* At most half full, so that a search is short. */
  if (2 * (map->count + 1) > map->capacity && !grow(map)) return false;
  uint32_t at = place_of(map, ssrc);
  map->ssrcs[at] = ssrc;
  map->values[at] = value;
  map->count++;
  return true;
}

void ssrc_clear(ssrc_map *map) {
  for (uint32_t i = 0; i < map->capacity; i++) free(map->values[i]);
  free(map->ssrcs);
  free(map->values);
  memset(map, 0, sizeof *map);
}
