#include "bench.h"

NAPI_MODULE_INIT() {
  const napi_property_descriptor calls[] = {
      {"startForwarder", NULL, start_forwarder, NULL, NULL, NULL, napi_default, NULL},
      {"forwarded", NULL, forwarded, NULL, NULL, NULL, napi_default, NULL},
      {"startSinks", NULL, start_sinks, NULL, NULL, NULL, napi_default, NULL},
      {"addSink", NULL, add_sink, NULL, NULL, NULL, napi_default, NULL},
      {"sendTogether", NULL, send_together, NULL, NULL, NULL, napi_default, NULL},
      {"sinkCounts", NULL, sink_counts, NULL, NULL, NULL, napi_default, NULL},
      {"sinkArrivals", NULL, sink_arrivals, NULL, NULL, NULL, napi_default, NULL},
      {"sunk", NULL, sunk, NULL, NULL, NULL, napi_default, NULL},
  };
  (void)napi_define_properties(env, exports, sizeof calls / sizeof *calls, calls);
  return exports;
}
