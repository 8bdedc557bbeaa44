#ifndef LODELINE_BENCH_H
#define LODELINE_BENCH_H

/* What the benches measure against and measure with, compiled on the spot. OpenSSL is Node's own, as in the packet kernel,
 * so that both use the same code. */
#include <errno.h>
#include <netinet/in.h>
#include <node_api.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, PACKET_BYTES = 2048, HEADER_BYTES = 12, TAG_BYTES = 16 };

/* The calls of JavaScript: each stands in the file that is named before it. */
/* forwarder.c */
napi_value start_forwarder(napi_env env, napi_callback_info info);
napi_value forwarded(napi_env env, napi_callback_info info);
/* sinks.c */
napi_value start_sinks(napi_env env, napi_callback_info info);
napi_value add_sink(napi_env env, napi_callback_info info);
napi_value sink_counts(napi_env env, napi_callback_info info);
napi_value sink_arrivals(napi_env env, napi_callback_info info);
napi_value sunk(napi_env env, napi_callback_info info);
/* sender.c */
napi_value send_together(napi_env env, napi_callback_info info);

#endif
