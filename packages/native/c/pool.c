#include "pool.h"

#include <stdlib.h>

void pool_free(pool *pool) {
  free(pool->items);
  free(pool->uses);
  free(pool->free_places);
  memset(pool, 0, sizeof *pool);
}

static bool grow(pool *pool) {
  uint32_t capacity = pool->capacity == 0 ? 64 : pool->capacity * 2;
  if (capacity > POOL_MOST) return false;
  void **items = realloc(pool->items, capacity * sizeof *items);
  if (items != NULL) pool->items = items;
  uint16_t *uses = realloc(pool->uses, capacity * sizeof *uses);
  if (uses != NULL) pool->uses = uses;
  uint32_t *places = realloc(pool->free_places, capacity * sizeof *places);
  if (places != NULL) pool->free_places = places;
  if (items == NULL || uses == NULL || places == NULL) return false;
  /* Lowest places first. */
  for (uint32_t place = capacity; place-- > pool->capacity;) {
    pool->items[place] = NULL;
    pool->uses[place] = 0;
    pool->free_places[pool->free_count++] = place;
  }
  pool->capacity = capacity;
  return true;
}

int32_t pool_add(pool *pool, void *item) {
  if (pool->free_count == 0 && !grow(pool)) return NONE;
  uint32_t place = pool->free_places[--pool->free_count];
  pool->items[place] = item;
  return (int32_t)(((uint32_t)(pool->uses[place] & 0x7fff) << 16) | place);
}

void *pool_get(const pool *pool, int32_t id) {
  if (id < 0) return NULL;
  uint32_t place = (uint32_t)id & 0xffff;
  if (place >= pool->capacity || (pool->uses[place] & 0x7fff) != ((uint32_t)id >> 16)) return NULL;
  return pool->items[place];
}

void *pool_remove(pool *pool, int32_t id) {
  void *item = pool_get(pool, id);
  if (item == NULL) return NULL;
  uint32_t place = (uint32_t)id & 0xffff;
  pool->items[place] = NULL;
  pool->uses[place]++;
  pool->free_places[pool->free_count++] = place;
  return item;
}
