/* One kernel in one JavaScript thread: its sockets on libuv, its events told to a callback. */
#ifndef LODELINE_INSTANCE_H
#define LODELINE_INSTANCE_H

#include <node_api.h>

#include "../port.h"

typedef struct instance instance;

/* A socket that is polled. */
typedef struct {
  instance *owner;
  void *poll; /* uv_poll_t */
  int32_t id;
  int fd;
} open_port;

struct instance {
  napi_env env;
  napi_ref callback;
  napi_ref events;   /* keeps the memory of events */
  napi_async_cleanup_hook_handle cleanup;
  kernel kernel;
  route_table routes;
  pool ports; /* open_port */
  inbox *in;
  double clock_offset_ms;
  unsigned open_handles; /* of libuv, closing ones too */
  bool closed;
  bool ending; /* the thread ends: cleanup is removed when the last handle has closed */
  bool collected; /* JavaScript has let go of it */
  bool calling;   /* the callback runs: its calls add to the same batch */
};

/* Monotonic ms on TypeScript's clock. */
double instance_now(void *self);
instance *instance_create(napi_env env, napi_value callback, napi_value events, double clock_now_ms);
/* Closes every socket and forgets every session. Idempotent. */
void instance_close(instance *self);
/* JavaScript has let go of it: frees it now, or when its last handle has closed. */
void instance_collected(instance *self);
/* Opens a socket and begins to listen. Returns its number, or -errno - 1. */
int32_t instance_open_port(instance *self, const char *address, uint16_t port, int buffer_bytes);
void instance_close_port(instance *self, int32_t id);

#endif
