/* The part of libuv that the addon uses; Node exports it, its ABI is stable within version 1. A handle's size is asked of
 * libuv itself, so that no header of it is needed. */
#ifndef LODELINE_UV_H
#define LODELINE_UV_H

#include <stddef.h>

typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_poll_s uv_poll_t;
typedef void (*uv_poll_cb)(uv_poll_t *handle, int status, int events);
typedef void (*uv_close_cb)(uv_handle_t *handle);

/* Of uv_handle_type and uv_poll_event. */
enum { UV_POLL_TYPE = 8, UV_READABLE_EVENT = 1 };

size_t uv_handle_size(int type);
int uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int fd);
int uv_poll_start(uv_poll_t *handle, int events, uv_poll_cb callback);
int uv_poll_stop(uv_poll_t *handle);
void uv_close(uv_handle_t *handle, uv_close_cb callback);
void *uv_handle_get_data(const uv_handle_t *handle);
void uv_handle_set_data(uv_handle_t *handle, void *data);

#endif
