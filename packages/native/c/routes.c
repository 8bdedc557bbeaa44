#include "routes.h"

#include <stdlib.h>

static void make_key(uint8_t key[ROUTE_KEY_BYTES], int32_t port, const struct sockaddr_storage *from) {
  memset(key, 0, ROUTE_KEY_BYTES);
  memcpy(key, &port, 4);
  if (from->ss_family == AF_INET6) {
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)from;
    memcpy(key + 4, &six->sin6_port, 2);
    key[6] = 6;
    memcpy(key + 8, &six->sin6_addr, 16);
  } else {
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)from;
    memcpy(key + 4, &four->sin_port, 2);
    key[6] = 4;
    memcpy(key + 8, &four->sin_addr, 4);
  }
}

/* FNV-1a, then mixed: a peer can choose its port, and a long search is all it could win by it. */
static uint32_t hash_key(const uint8_t key[ROUTE_KEY_BYTES]) {
  uint64_t hash = 1469598103934665603u;
  for (int i = 0; i < ROUTE_KEY_BYTES; i++) hash = (hash ^ key[i]) * 1099511628211u;
  return (uint32_t)(hash ^ (hash >> 32));
}

static uint32_t place_of(const route_table *table, const uint8_t key[ROUTE_KEY_BYTES]) {
  uint32_t mask = table->capacity - 1;
  uint32_t at = hash_key(key) & mask;
  while (table->entries[at].used && memcmp(table->entries[at].key, key, ROUTE_KEY_BYTES) != 0) at = (at + 1) & mask;
  return at;
}

route *route_find(const route_table *table, int32_t port, const struct sockaddr_storage *from) {
  uint8_t key[ROUTE_KEY_BYTES];
  if (table->capacity == 0) return NULL;
  make_key(key, port, from);
  route *found = &table->entries[place_of(table, key)];
  return found->used ? found : NULL;
}

static bool grow(route_table *table) {
  uint32_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
  if (capacity > ROUTES_MOST) return false;
  route_table larger = {.entries = calloc(capacity, sizeof(route)), .capacity = capacity, .count = table->count};
  if (larger.entries == NULL) return false;
  for (uint32_t i = 0; i < table->capacity; i++) {
    if (table->entries[i].used) larger.entries[place_of(&larger, table->entries[i].key)] = table->entries[i];
  }
  free(table->entries);
  *table = larger;
  return true;
}

bool route_set(route_table *table, int32_t port, const struct sockaddr_storage *from, int32_t session, uint32_t path) {
  uint8_t key[ROUTE_KEY_BYTES];
  if (2 * (table->count + 1) > table->capacity && !grow(table)) return false;
  make_key(key, port, from);
  route *at = &table->entries[place_of(table, key)];
  if (!at->used) {
    table->count++;
    memcpy(at->key, key, ROUTE_KEY_BYTES);
    at->used = true;
  }
  at->session = session;
  at->path = path;
  at->heard_at_ms = -HEARD_EVERY_MS;
  return true;
}

void route_remove(route_table *table, int32_t port, const struct sockaddr_storage *from) {
  route *gone = route_find(table, port, from);
  if (gone == NULL) return;
  uint32_t mask = table->capacity - 1;
  uint32_t hole = (uint32_t)(gone - table->entries);
  table->entries[hole].used = false;
  table->count--;
  /* What was put further because of it moves up, so that no search ends too early. */
  for (uint32_t at = (hole + 1) & mask; table->entries[at].used; at = (at + 1) & mask) {
    uint32_t home = hash_key(table->entries[at].key) & mask;
    bool stays = hole <= at ? (hole < home && home <= at) : (hole < home || home <= at);
    if (stays) continue;
    table->entries[hole] = table->entries[at];
    table->entries[at].used = false;
    hole = at;
  }
}

void route_clear(route_table *table) {
  free(table->entries);
  memset(table, 0, sizeof *table);
}
