/* Which session a datagram is of, by the socket it came to and the address it came from. */
#ifndef LODELINE_ROUTES_H
#define LODELINE_ROUTES_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "bytes.h"

/* Of each path TypeScript hears at most this often that it is alive. */
#define HEARD_EVERY_MS 50

enum { ROUTES_MOST = 1 << 17, ROUTE_KEY_BYTES = 24 };

typedef struct {
  uint8_t key[ROUTE_KEY_BYTES]; /* socket, port, address */
  bool used;
  int32_t session;
  uint32_t path; /* TypeScript's number of it */
  double heard_at_ms;
} route;

typedef struct {
  route *entries;
  uint32_t capacity; /* a power of two */
  uint32_t count;
} route_table;

route *route_find(const route_table *table, int32_t port, const struct sockaddr_storage *from);
/* Adds or changes one. Returns false when the table is full or there is no memory. */
bool route_set(route_table *table, int32_t port, const struct sockaddr_storage *from, int32_t session, uint32_t path);
void route_remove(route_table *table, int32_t port, const struct sockaddr_storage *from);
void route_clear(route_table *table);

#endif
