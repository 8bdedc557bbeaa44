#include "instance.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "uv.h"

/* Events that can wait are told when this old, or when the memory for them is an eighth full. */
#define WAIT_MOST_MS 25

static double monotonic_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

double instance_now(void *self) { return monotonic_ms() + ((const instance *)self)->clock_offset_ms; }

static void free_if_done(instance *self) {
  if (!self->closed || self->open_handles > 0) return;
  if (self->cleanup != NULL && (self->ending || self->collected)) {
    napi_async_cleanup_hook_handle cleanup = self->cleanup;
    self->cleanup = NULL;
    (void)napi_remove_async_cleanup_hook(cleanup);
  }
  if (self->collected) free(self);
}

/* The thread ends, perhaps without having closed anything. */
static void thread_ends(napi_async_cleanup_hook_handle cleanup, void *data) {
  (void)cleanup;
  instance *self = data;
  self->ending = true;
  instance_close(self);
  free_if_done(self);
}

instance *instance_create(napi_env env, napi_value callback, napi_value events, double clock_now_ms) {
  void *bytes = NULL;
  size_t length = 0;
  if (napi_get_typedarray_info(env, events, NULL, &length, &bytes, NULL, NULL) != napi_ok) return NULL;
  if (length < 65536 || length > UINT32_MAX / 2) return NULL;
  instance *made = calloc(1, sizeof *made);
  if (made == NULL) return NULL;
  made->env = env;
  made->clock_offset_ms = clock_now_ms - monotonic_ms();
  made->in = malloc(sizeof *made->in);
  bool done = made->in != NULL && kernel_init(&made->kernel, bytes, (uint32_t)length) &&
              napi_create_reference(env, callback, 1, &made->callback) == napi_ok &&
              napi_create_reference(env, events, 1, &made->events) == napi_ok &&
              napi_add_async_cleanup_hook(env, thread_ends, made, &made->cleanup) == napi_ok;
  if (done) return made;
  instance_close(made);
  free(made);
  return NULL;
}

static void closed(uv_handle_t *handle) {
  open_port *port = uv_handle_get_data(handle);
  instance *self = port->owner;
  self->open_handles--;
  free(port->poll);
  free(port);
  free_if_done(self);
}

void instance_close_port(instance *self, int32_t id) {
  open_port *port = pool_remove(&self->ports, id);
  if (port == NULL) return;
  uv_poll_stop(port->poll);
  uv_close(port->poll, closed);
  close(port->fd);
}

void instance_close(instance *self) {
  if (self->closed) return;
  self->closed = true;
  for (uint32_t place = 0; place < self->ports.capacity; place++) {
    open_port *port = pool_at(&self->ports, place);
    if (port != NULL) instance_close_port(self, port->id);
  }
  pool_free(&self->ports);
  route_clear(&self->routes);
  kernel_free(&self->kernel);
  free(self->in);
  self->in = NULL;
  if (self->callback != NULL) (void)napi_delete_reference(self->env, self->callback);
  if (self->events != NULL) (void)napi_delete_reference(self->env, self->events);
  self->callback = self->events = NULL;
}

void instance_collected(instance *self) {
  instance_close(self);
  self->collected = true;
  free_if_done(self);
}

static void tell(instance *self) {
  napi_value callback, global, result;
  self->calling = true;
  if (napi_get_reference_value(self->env, self->callback, &callback) == napi_ok &&
      napi_get_global(self->env, &global) == napi_ok) {
    napi_status status = napi_make_callback(self->env, NULL, global, callback, 0, NULL, &result);
    napi_value error;
    if (status == napi_pending_exception && napi_get_and_clear_last_exception(self->env, &error) == napi_ok) {
      (void)napi_fatal_exception(self->env, error);
    }
  }
  self->calling = false;
}

static void readable(uv_poll_t *handle, int status, int events) {
  (void)events;
  const open_port *port = uv_handle_get_data((const uv_handle_t *)handle);
  instance *self = port->owner;
  if (status < 0 || self->closed) return;
  napi_handle_scope scope;
  if (napi_open_handle_scope(self->env, &scope) != napi_ok) return;
  (void)port_receive(&self->kernel, &self->routes, self->in, port->id, port->fd, instance_now, self);
  const event_buffer *told = &self->kernel.events;
  if (told->used > 0 && (told->urgent || told->used > told->capacity / 8 ||
                         instance_now(self) - told->oldest > WAIT_MOST_MS)) {
    tell(self);
  }
  (void)napi_close_handle_scope(self->env, scope);
}

int32_t instance_open_port(instance *self, const char *address, uint16_t number, int buffer_bytes) {
  uv_loop_t *loop = NULL;
  if (napi_get_uv_event_loop(self->env, (struct uv_loop_s **)&loop) != napi_ok) return -EIO - 1;
  int fd = port_open(address, number, buffer_bytes);
  if (fd < 0) return fd - 1;
  open_port *port = calloc(1, sizeof *port);
  void *poll = calloc(1, uv_handle_size(UV_POLL_TYPE));
  if (port == NULL || poll == NULL || uv_poll_init(loop, poll, fd) != 0) {
    free(port);
    free(poll);
    close(fd);
    return -ENOMEM - 1;
  }
  *port = (open_port){.owner = self, .poll = poll, .fd = fd};
  self->open_handles++;
  uv_handle_set_data(poll, port);
  port->id = pool_add(&self->ports, port);
  if (port->id == NONE || uv_poll_start(poll, UV_READABLE_EVENT, readable) != 0) {
    if (port->id != NONE) (void)pool_remove(&self->ports, port->id);
    uv_close(poll, closed);
    close(fd);
    return -ENOMEM - 1;
  }
  return port->id;
}
