/* What is known of each SSRC of a session, found by its number. Bounded, since a peer may invent SSRCs. */
#ifndef LODELINE_SSRC_MAP_H
#define LODELINE_SSRC_MAP_H

#include "bytes.h"

enum { SSRC_LIMIT = 256 };

typedef struct {
  uint32_t *ssrcs;
  void **values; /* NULL: free */
  uint32_t capacity;
  uint32_t count;
} ssrc_map;

/* Has what ssrc_get will read brought into the cache. */
void ssrc_fetch(const ssrc_map *map, uint32_t ssrc);
void *ssrc_get(const ssrc_map *map, uint32_t ssrc);
/* Returns false when SSRC_LIMIT is reached or there is no memory. The SSRC must not be there yet. */
bool ssrc_put(ssrc_map *map, uint32_t ssrc, void *value);
/* Frees the map and, with free(), every value. */
void ssrc_clear(ssrc_map *map);

#endif
