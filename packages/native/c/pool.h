/* Objects by number. A number holds a place and how often the place was used before, so that the number of something that
 * is gone never means what came after it. */
#ifndef LODELINE_POOL_H
#define LODELINE_POOL_H

#include "bytes.h"

enum { POOL_MOST = 1 << 16, NONE = -1 };

typedef struct {
  void **items;
  uint16_t *uses;
  uint32_t *free_places;
  uint32_t capacity;
  uint32_t free_count;
} pool;

void pool_free(pool *pool);
/* Returns NONE when the pool is full or there is no memory. */
int32_t pool_add(pool *pool, void *item);
void *pool_get(const pool *pool, int32_t id);
void *pool_remove(pool *pool, int32_t id);
/* The item in a place, for walking all; NULL where none is. */
static inline void *pool_at(const pool *pool, uint32_t place) { return pool->items[place]; }

#endif
