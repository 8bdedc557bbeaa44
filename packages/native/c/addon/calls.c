/* The calls that TypeScript makes: packages/native/src/kernel-binding.ts has their meaning. Every number from JavaScript
 * is checked here; a number of something that is gone does nothing. */
#include <stdlib.h>

#include "instance.h"

enum { ARGUMENTS_MOST = 16, TEXT_BYTES = 64 };

typedef struct {
  napi_env env;
  instance *self;
  size_t count;
  napi_value values[ARGUMENTS_MOST];
} call;

/* Reads the arguments; the first is the instance. Throws and returns false when it is none or is closed. */
static bool begin(napi_env env, napi_callback_info info, call *made) {
  void *external = NULL;
  made->env = env;
  made->count = ARGUMENTS_MOST;
  made->self = NULL;
  if (napi_get_cb_info(env, info, &made->count, made->values, NULL, NULL) != napi_ok || made->count < 1 ||
      napi_get_value_external(env, made->values[0], &external) != napi_ok) {
    napi_throw_type_error(env, NULL, "the first argument must be a kernel");
    return false;
  }
  made->self = external;
  return !made->self->closed;
}

static double number_at(const call *made, size_t at) {
  double value = 0;
  if (at >= made->count || napi_get_value_double(made->env, made->values[at], &value) != napi_ok) return 0;
  return value;
}

static int32_t int_at(const call *made, size_t at) {
  int32_t value = 0;
  if (at >= made->count || napi_get_value_int32(made->env, made->values[at], &value) != napi_ok) return 0;
  return value;
}

static uint32_t u32_at(const call *made, size_t at) {
  double value = number_at(made, at);
  return value >= 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

static int32_t id_at(const call *made, size_t at) {
  int32_t value = NONE;
  if (at >= made->count || napi_get_value_int32(made->env, made->values[at], &value) != napi_ok) return NONE;
  return value;
}

/* The bytes of a Uint8Array; NULL and 0 when it is none. */
static uint8_t *bytes_at(const call *made, size_t at, size_t *length) {
  napi_typedarray_type type;
  void *data = NULL;
  *length = 0;
  if (at >= made->count || napi_get_typedarray_info(made->env, made->values[at], &type, length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    *length = 0;
    return NULL;
  }
  return data;
}

/* The numbers of a Float64Array with at least so many; NULL when it is none. */
static double *record_at(const call *made, size_t at, size_t fields) {
  napi_typedarray_type type;
  void *data = NULL;
  size_t length = 0;
  if (at >= made->count || napi_get_typedarray_info(made->env, made->values[at], &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_float64_array || length < fields) {
    return NULL;
  }
  return data;
}

static bool text_at(const call *made, size_t at, char text[TEXT_BYTES]) {
  size_t length = 0;
  text[0] = 0;
  return at < made->count && napi_get_value_string_latin1(made->env, made->values[at], text, TEXT_BYTES, &length) == napi_ok;
}

static napi_value number(napi_env env, double value) {
  napi_value result = NULL;
  (void)napi_create_double(env, value, &result);
  return result;
}

static session *session_at(const call *made, size_t at) { return pool_get(&made->self->kernel.sessions, id_at(made, at)); }
static stream *stream_at(const call *made, size_t at) { return pool_get(&made->self->kernel.streams, id_at(made, at)); }
static leg *leg_at(const call *made, size_t at) { return pool_get(&made->self->kernel.legs, id_at(made, at)); }
static group *group_at(const call *made, size_t at) { return pool_get(&made->self->kernel.groups, id_at(made, at)); }

static void collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  instance_collected(data);
}

/* create(callback, events, nowMs) */
static napi_value create(napi_env env, napi_callback_info info) {
  napi_value values[3], result = NULL;
  size_t count = 3;
  double now = 0;
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok || count < 3 ||
      napi_get_value_double(env, values[2], &now) != napi_ok) {
    napi_throw_type_error(env, NULL, "a callback, memory for events and the time are needed");
    return NULL;
  }
  instance *made = instance_create(env, values[0], values[1], now);
  if (made == NULL) {
    napi_throw_error(env, NULL, "the packet kernel could not be made");
    return NULL;
  }
  if (napi_create_external(env, made, collected, NULL, &result) != napi_ok) instance_collected(made);
  return result;
}

/* close(kernel) */
static napi_value close_kernel(napi_env env, napi_callback_info info) {
  call made;
  if (begin(env, info, &made)) instance_close(made.self);
  return NULL;
}

/* openPort(kernel, address, port, bufferBytes): its number, or -errno - 1 */
static napi_value open_port_call(napi_env env, napi_callback_info info) {
  call made;
  char address[TEXT_BYTES];
  if (!begin(env, info, &made) || !text_at(&made, 1, address)) return number(env, -1);
  return number(env, instance_open_port(made.self, address, (uint16_t)u32_at(&made, 2), int_at(&made, 3)));
}

static open_port *port_at(const call *made, size_t at) { return pool_get(&made->self->ports, id_at(made, at)); }

/* portNumber(kernel, port) */
static napi_value port_number_call(napi_env env, napi_callback_info info) {
  call made;
  if (!begin(env, info, &made)) return number(env, 0);
  const open_port *port = port_at(&made, 1);
  return number(env, port == NULL ? 0 : port_number(port->fd));
}

/* closePort(kernel, port) */
static napi_value close_port(napi_env env, napi_callback_info info) {
  call made;
  if (begin(env, info, &made)) instance_close_port(made.self, id_at(&made, 1));
  return NULL;
}

/* sendDatagram(kernel, port, address, portNumber, bytes): whether the system took it */
static napi_value send_datagram(napi_env env, napi_callback_info info) {
  call made;
  char address[TEXT_BYTES];
  size_t length;
  if (!begin(env, info, &made) || !text_at(&made, 2, address)) return number(env, 0);
  const open_port *port = port_at(&made, 1);
  const uint8_t *bytes = bytes_at(&made, 4, &length);
  struct sockaddr_storage to;
  socklen_t to_bytes;
  if (port == NULL || bytes == NULL || !address_parse(&to, &to_bytes, address, (uint16_t)u32_at(&made, 3))) {
    return number(env, 0);
  }
  outbox_flush(made.self->kernel.out);
  return number(env, sendto(port->fd, bytes, length, MSG_DONTWAIT, (struct sockaddr *)(void *)&to, to_bytes) >= 0);
}

/* openSession(kernel, keys, salts): its number, or -1. Four keys of 16 or 32 bytes, four salts of 12. */
static napi_value open_session(napi_env env, napi_callback_info info) {
  call made;
  size_t key_bytes, salt_bytes;
  if (!begin(env, info, &made)) return number(env, NONE);
  const uint8_t *keys = bytes_at(&made, 1, &key_bytes);
  const uint8_t *salts = bytes_at(&made, 2, &salt_bytes);
  if (keys == NULL || salts == NULL || salt_bytes != 4 * GCM_NONCE_BYTES || key_bytes % 4 != 0) return number(env, NONE);
  return number(env, session_open(&made.self->kernel, keys, key_bytes / 4, salts));
}

/* closeSession(kernel, session) */
static napi_value close_session(napi_env env, napi_callback_info info) {
  call made;
  if (begin(env, info, &made)) session_close(&made.self->kernel, id_at(&made, 1));
  return NULL;
}

/* setSession(kernel, session, transportSequenceId): the id of the extension in what arrives, 0 for none */
static napi_value set_session(napi_env env, napi_callback_info info) {
  call made;
  session *session = begin(env, info, &made) ? session_at(&made, 1) : NULL;
  if (session != NULL) session->transport_sequence_id = (uint8_t)u32_at(&made, 2);
  return NULL;
}

/* setDestination(kernel, session, port, address, portNumber): port -1 for a session whose packets TypeScript sends */
static napi_value set_destination(napi_env env, napi_callback_info info) {
  call made;
  char address[TEXT_BYTES];
  session *session = begin(env, info, &made) ? session_at(&made, 1) : NULL;
  if (session == NULL) return NULL;
  outbox_flush(made.self->kernel.out);
  session->to.fd = -1;
  const open_port *port = port_at(&made, 2);
  if (port != NULL && text_at(&made, 3, address) &&
      address_parse(&session->to.address, &session->to.address_bytes, address, (uint16_t)u32_at(&made, 4))) {
    session->to.fd = port->fd;
  }
  return NULL;
}

/* setRoute(kernel, port, address, portNumber, session, path): session -1 takes the route out; whether it is as wanted */
static napi_value set_route(napi_env env, napi_callback_info info) {
  call made;
  char address[TEXT_BYTES];
  struct sockaddr_storage from;
  socklen_t from_bytes;
  if (!begin(env, info, &made) || !text_at(&made, 2, address) ||
      !address_parse(&from, &from_bytes, address, (uint16_t)u32_at(&made, 3))) {
    return number(env, 0);
  }
  int32_t session = id_at(&made, 4);
  if (session == NONE) {
    route_remove(&made.self->routes, id_at(&made, 1), &from);
    return number(env, 1);
  }
  return number(env, route_set(&made.self->routes, id_at(&made, 1), &from, session, u32_at(&made, 5)));
}

/* receive(kernel, session, bytes, nowMs): whether the datagram was authentic; it is changed */
static napi_value receive(napi_env env, napi_callback_info info) {
  call made;
  size_t length;
  session *session = begin(env, info, &made) ? session_at(&made, 1) : NULL;
  if (session == NULL) return number(env, 0);
  uint8_t *bytes = bytes_at(&made, 2, &length);
  if (bytes == NULL || length > DATAGRAM_MOST) return number(env, 0);
  double now = number_at(&made, 3);
  bool authentic = kernel_receive(&made.self->kernel, session, bytes, length, now);
  kernel_forward(&made.self->kernel, now);
  return number(env, authentic);
}

/* inject(kernel, session, bytes, nowMs): a plain packet whose stream is known by now */
static napi_value inject(napi_env env, napi_callback_info info) {
  call made;
  size_t length;
  session *session = begin(env, info, &made) ? session_at(&made, 1) : NULL;
  const uint8_t *bytes = session == NULL ? NULL : bytes_at(&made, 2, &length);
  if (bytes == NULL || length > DATAGRAM_MOST) return NULL;
  kernel_inject(&made.self->kernel, session, bytes, length, number_at(&made, 3));
  kernel_forward(&made.self->kernel, number_at(&made, 3));
  return NULL;
}

/* knows(kernel, session, ssrc): whether authentic packets of it have come */
static napi_value knows(napi_env env, napi_callback_info info) {
  call made;
  const session *session = begin(env, info, &made) ? session_at(&made, 1) : NULL;
  return number(env, session != NULL && ssrc_get(&session->sources, u32_at(&made, 2)) != NULL);
}

/* refusals(kernel, session, into): replayed and forged packets so far */
static napi_value refusals(napi_env env, napi_callback_info info) {
  call made;
  const session *session = begin(env, info, &made) ? session_at(&made, 1) : NULL;
  double *into = session == NULL ? NULL : record_at(&made, 2, 2);
  if (into == NULL) return NULL;
  into[0] = session->replayed;
  into[1] = session->forged;
  return NULL;
}

/* openGroup(kernel): its number */
static napi_value open_group(napi_env env, napi_callback_info info) {
  call made;
  return number(env, begin(env, info, &made) ? group_open(&made.self->kernel) : NONE);
}

/* closeGroup(kernel, group) */
static napi_value close_group(napi_env env, napi_callback_info info) {
  call made;
  if (begin(env, info, &made)) group_close(&made.self->kernel, id_at(&made, 1));
  return NULL;
}

/* setGroup(kernel, group, toScript) */
static napi_value set_group(napi_env env, napi_callback_info info) {
  call made;
  group *group = begin(env, info, &made) ? group_at(&made, 1) : NULL;
  if (group != NULL) group->to_script = int_at(&made, 2) != 0;
  return NULL;
}

/* bindStream(kernel, session, record, ssrc, payloadType, codec, clockRate, audioLevelId, group): its number, or -1 */
static napi_value bind_stream(napi_env env, napi_callback_info info) {
  call made;
  session *session = begin(env, info, &made) ? session_at(&made, 1) : NULL;
  double *record = session == NULL ? NULL : record_at(&made, 2, STREAM_FIELDS);
  uint32_t codec = record == NULL ? CODEC_COUNT : u32_at(&made, 5);
  source_state *source = record == NULL ? NULL : ssrc_get(&session->sources, u32_at(&made, 3));
  if (source == NULL || codec >= CODEC_COUNT) return number(env, NONE);
  stream *stream = calloc(1, sizeof *stream);
  if (stream == NULL) return number(env, NONE);
  stream->session = session->id;
  stream->record = (stream_record *)(void *)record;
  stream->ssrc = u32_at(&made, 3);
  stream->payload_type = (uint8_t)u32_at(&made, 4);
  stream->codec = (codec_kind)codec;
  stream->clock_rate = number_at(&made, 6);
  stream->audio_level_id = (uint8_t)u32_at(&made, 7);
  stream->group = id_at(&made, 8);
  int32_t id = stream_bind(&made.self->kernel, stream, source);
  if (id == NONE) free(stream);
  return number(env, id);
}

/* bindRtx(kernel, session, ssrc, stream): packets of that SSRC repeat the stream's */
static napi_value bind_rtx(napi_env env, napi_callback_info info) {
  call made;
  const session *session = begin(env, info, &made) ? session_at(&made, 1) : NULL;
  source_state *source = session == NULL ? NULL : ssrc_get(&session->sources, u32_at(&made, 2));
  if (source == NULL) return NULL;
  source->stream = id_at(&made, 3);
  source->is_rtx = true;
  return NULL;
}

/* setStream(kernel, stream, group, audioLevelId) */
static napi_value set_stream(napi_env env, napi_callback_info info) {
  call made;
  stream *stream = begin(env, info, &made) ? stream_at(&made, 1) : NULL;
  if (stream == NULL) return NULL;
  stream->group = id_at(&made, 2);
  stream->audio_level_id = (uint8_t)u32_at(&made, 3);
  return NULL;
}

/* unbindStream(kernel, stream) */
static napi_value unbind_stream(napi_env env, napi_callback_info info) {
  call made;
  if (begin(env, info, &made)) stream_unbind(&made.self->kernel, id_at(&made, 1));
  return NULL;
}

/* openLeg(kernel, group, session, record, ssrc, rtxSsrc, clockRate): its number, or -1 */
static napi_value open_leg(napi_env env, napi_callback_info info) {
  call made;
  double *record = begin(env, info, &made) ? record_at(&made, 3, SLOT_FIELDS) : NULL;
  leg *leg = record == NULL ? NULL : calloc(1, sizeof *leg);
  if (leg == NULL) return number(env, NONE);
  leg->group = id_at(&made, 1);
  leg->session = id_at(&made, 2);
  leg->record = (slot_record *)(void *)record;
  leg->ssrc = u32_at(&made, 4);
  leg->rtx_ssrc = u32_at(&made, 5);
  leg->clock_rate = number_at(&made, 6);
  int32_t id = leg_open(&made.self->kernel, leg);
  if (id == NONE) free(leg);
  return number(env, id);
}

/* setLeg(kernel, leg, mid, midId, audioLevelId, transportSequenceId): what its headers carry; an id of 0 leaves one out */
static napi_value set_leg(napi_env env, napi_callback_info info) {
  call made;
  size_t mid_bytes;
  leg *leg = begin(env, info, &made) ? leg_at(&made, 1) : NULL;
  const uint8_t *mid = leg == NULL ? NULL : bytes_at(&made, 2, &mid_bytes);
  if (mid == NULL || mid_bytes > MID_MOST_BYTES) return NULL;
  /* Ids of the one-byte form: four bits. */
  leg->extensions = (extension_plan){.mid_id = u32_at(&made, 3) & 0x0f,
                                     .audio_level_id = u32_at(&made, 4) & 0x0f,
                                     .transport_sequence_id = u32_at(&made, 5) & 0x0f,
                                     .mid_bytes = (uint8_t)mid_bytes};
  memcpy(leg->extensions.mid, mid, mid_bytes);
  return NULL;
}

/* setTarget(kernel, leg, stream, payloadType, rtxPayloadType) */
static napi_value set_target(napi_env env, napi_callback_info info) {
  call made;
  leg *leg = begin(env, info, &made) ? leg_at(&made, 1) : NULL;
  if (leg != NULL) leg_set_target(leg, id_at(&made, 2), (uint8_t)(u32_at(&made, 3) & 0x7f), (uint8_t)u32_at(&made, 4));
  return NULL;
}

/* setCurrent(kernel, leg, stream, payloadType, rtxPayloadType, turn) */
static napi_value set_current(napi_env env, napi_callback_info info) {
  call made;
  leg *leg = begin(env, info, &made) ? leg_at(&made, 1) : NULL;
  if (leg == NULL) return NULL;
  leg_set_current(leg, id_at(&made, 2), (uint8_t)(u32_at(&made, 3) & 0x7f), (uint8_t)u32_at(&made, 4), u32_at(&made, 5));
  return NULL;
}

/* setLegScript(kernel, leg, toScript) */
static napi_value set_leg_script(napi_env env, napi_callback_info info) {
  call made;
  leg *leg = begin(env, info, &made) ? leg_at(&made, 1) : NULL;
  if (leg != NULL) leg->to_script = int_at(&made, 2) != 0;
  return NULL;
}

/* closeLeg(kernel, leg) */
static napi_value close_leg(napi_env env, napi_callback_info info) {
  call made;
  if (begin(env, info, &made)) leg_close(&made.self->kernel, id_at(&made, 1));
  return NULL;
}

/* resend(kernel, leg, numbers, intervalMs, nowMs): how many were sent, plus 65536 when one is beyond repair.
 * numbers: 16-bit sequence numbers, two bytes each, most significant first. */
static napi_value resend(napi_env env, napi_callback_info info) {
  enum { AT_A_TIME = 256 };
  call made;
  size_t length;
  leg *leg = begin(env, info, &made) ? leg_at(&made, 1) : NULL;
  const uint8_t *bytes = leg == NULL ? NULL : bytes_at(&made, 2, &length);
  if (bytes == NULL) return number(env, 0);
  uint32_t sent = 0;
  bool beyond_repair = false;
  for (size_t at = 0; at + 2 <= length; at += 2 * AT_A_TIME) {
    uint16_t numbers[AT_A_TIME];
    size_t count = 0;
    for (; count < AT_A_TIME && at + 2 * count + 2 <= length; count++) numbers[count] = read_u16(bytes + at + 2 * count);
    sent += leg_resend(&made.self->kernel, leg, numbers, count, number_at(&made, 3), number_at(&made, 4), &beyond_repair);
  }
  return number(env, (double)(sent & 0xffff) + (beyond_repair ? 65536 : 0));
}

/* sendRtp(kernel, session, bytes, payloadOffset, transportSequenceAt, nowMs): bytes sent, 0 when it could not be */
static napi_value send_rtp(napi_env env, napi_callback_info info) {
  call made;
  size_t length;
  session *session = begin(env, info, &made) ? session_at(&made, 1) : NULL;
  const uint8_t *bytes = session == NULL ? NULL : bytes_at(&made, 2, &length);
  if (bytes == NULL) return number(env, 0);
  return number(env, kernel_send_rtp(&made.self->kernel, session, bytes, length, u32_at(&made, 3), u32_at(&made, 4),
                                     number_at(&made, 5)));
}

/* sendRtcp(kernel, session, bytes, nowMs): bytes sent, 0 when it could not be */
static napi_value send_rtcp(napi_env env, napi_callback_info info) {
  call made;
  size_t length;
  session *session = begin(env, info, &made) ? session_at(&made, 1) : NULL;
  const uint8_t *bytes = session == NULL ? NULL : bytes_at(&made, 2, &length);
  if (bytes == NULL) return number(env, 0);
  return number(env, kernel_send_rtcp(&made.self->kernel, session, bytes, length, number_at(&made, 3)));
}

/* flush(kernel): hands to the system what waits */
static napi_value flush(napi_env env, napi_callback_info info) {
  call made;
  if (begin(env, info, &made)) outbox_flush(made.self->kernel.out);
  return NULL;
}

/* eventBytes(kernel): how much was written into the memory for events */
static napi_value event_bytes(napi_env env, napi_callback_info info) {
  call made;
  return number(env, begin(env, info, &made) ? made.self->kernel.events.used : 0);
}

/* clearEvents(kernel): everything was read */
static napi_value clear_events(napi_env env, napi_callback_info info) {
  call made;
  if (!begin(env, info, &made)) return NULL;
  made.self->kernel.events.used = 0;
  made.self->kernel.events.urgent = false;
  return NULL;
}

/* counters(kernel, into): packets in and out, packets sent, datagrams, system calls, packets dropped, events dropped */
static napi_value counters(napi_env env, napi_callback_info info) {
  call made;
  double *into = begin(env, info, &made) ? record_at(&made, 1, 7) : NULL;
  if (into == NULL) return NULL;
  const kernel *kernel = &made.self->kernel;
  const double values[] = {kernel->packets_in,        kernel->packets_out,   kernel->out->sent, kernel->out->datagrams,
                           kernel->out->system_calls, kernel->out->dropped, kernel->events.dropped};
  memcpy(into, values, sizeof values);
  return NULL;
}

static const struct {
  const char *name;
  napi_callback function;
} CALLS[] = {
    {"create", create},
    {"close", close_kernel},
    {"openPort", open_port_call},
    {"portNumber", port_number_call},
    {"closePort", close_port},
    {"sendDatagram", send_datagram},
    {"openSession", open_session},
    {"closeSession", close_session},
    {"setSession", set_session},
    {"setDestination", set_destination},
    {"setRoute", set_route},
    {"receive", receive},
    {"inject", inject},
    {"knows", knows},
    {"refusals", refusals},
    {"openGroup", open_group},
    {"closeGroup", close_group},
    {"setGroup", set_group},
    {"bindStream", bind_stream},
    {"bindRtx", bind_rtx},
    {"setStream", set_stream},
    {"unbindStream", unbind_stream},
    {"openLeg", open_leg},
    {"setLeg", set_leg},
    {"setTarget", set_target},
    {"setCurrent", set_current},
    {"setLegScript", set_leg_script},
    {"closeLeg", close_leg},
    {"resend", resend},
    {"sendRtp", send_rtp},
    {"sendRtcp", send_rtcp},
    {"flush", flush},
    {"eventBytes", event_bytes},
    {"clearEvents", clear_events},
    {"counters", counters},
};

NAPI_MODULE_INIT() {
  napi_value value;
  for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
    if (napi_create_function(env, CALLS[i].name, NAPI_AUTO_LENGTH, CALLS[i].function, NULL, &value) != napi_ok ||
        napi_set_named_property(env, exports, CALLS[i].name, value) != napi_ok) {
      return NULL;
    }
  }
  /* Records are checked to be this long: TypeScript refuses a kernel that was built for others. */
  if (napi_create_double(env, STREAM_FIELDS, &value) == napi_ok) (void)napi_set_named_property(env, exports, "streamFields", value);
  if (napi_create_double(env, SLOT_FIELDS, &value) == napi_ok) (void)napi_set_named_property(env, exports, "slotFields", value);
  return exports;
}
