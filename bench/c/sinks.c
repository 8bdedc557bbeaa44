/* Many sockets, one thread, so that taking packets in is not the limit. Media is counted by its sequence numbers, the rest is
 * told to JavaScript. */
#include "bench.h"

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <sys/epoll.h>
#include <time.h>

enum { SINKS_MOST = 8192, SOURCES = 4, SEEN_NUMBERS = 65536, ARRIVALS = 4096 };

/* One SSRC of a sink. */
typedef struct {
  uint32_t ssrc;
  int64_t first, newest; /* extended sequence numbers; newest -1: unused */
  uint64_t received;     /* each number once */
  uint64_t doubled;
  uint64_t seen[SEEN_NUMBERS / 64];
} source;

/* When a packet with a transport-wide number came. */
typedef struct {
  uint16_t number;
  uint16_t bytes;
  double at_ms;
} arrival;

typedef struct {
  int fd;
  unsigned at;
  unsigned transport_sequence_id; /* of the header extension; 0: not agreed */
  source sources[SOURCES];
  arrival arrivals[ARRIVALS]; /* a ring: told by JavaScript before it is full, or lost */
  unsigned arrivals_from, arrivals_to;
} sink_state;

typedef struct {
  int epoll;
  _Atomic unsigned long media;
  napi_threadsafe_function tell;
  pthread_t thread;
  pthread_mutex_t lock; /* of what the sinks hold */
  sink_state *all[SINKS_MOST];
} sinks;

static uint16_t read_u16(const unsigned char *bytes) { return (uint16_t)(bytes[0] << 8 | bytes[1]); }

static uint32_t read_u32(const unsigned char *bytes) { return (uint32_t)read_u16(bytes) << 16 | read_u16(bytes + 2); }

static double clock_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static source *source_of(sink_state *sink, uint32_t ssrc, uint16_t number) {
  for (int i = 0; i < SOURCES; i++) {
    source *one = &sink->sources[i];
    if (one->newest >= 0 && one->ssrc == ssrc) return one;
    if (one->newest >= 0) continue;
    one->ssrc = ssrc;
    /* Above zero by a circle, so that what comes before the first has a number too. */
    one->first = one->newest = SEEN_NUMBERS + number;
    return one;
  }
  return NULL;
}

static void count_number(source *one, uint16_t number) {
  int64_t extended = one->newest + (int16_t)(uint16_t)(number - (uint16_t)one->newest);
  for (int64_t each = one->newest + 1; each <= extended; each++) {
    one->seen[(each % SEEN_NUMBERS) / 64] &= ~(1ull << (each % 64));
  }
  if (extended > one->newest) one->newest = extended;
  if (extended < one->first) one->first = extended;
  uint64_t bit = 1ull << (number % 64), *word = &one->seen[number / 64];
  if (*word & bit) one->doubled++;
  else one->received++;
  *word |= bit;
}

/* The transport-wide number in a one-byte header extension, RFC 8285 section 4.2; -1 without one. */
static int transport_sequence(const unsigned char *bytes, unsigned length, unsigned id) {
  unsigned at = HEADER_BYTES + 4u * (bytes[0] & 15u);
  if (id == 0 || !(bytes[0] & 16) || at + 4 > length || read_u16(bytes + at) != 0xbede) return -1;
  unsigned end = at + 4 + 4u * read_u16(bytes + at + 2);
  for (at += 4; at < end && end <= length;) {
    unsigned here = bytes[at] >> 4, size = (bytes[at] & 15u) + 1;
    if (bytes[at] == 0) at++;
    else if (here == id && at + 3 <= end) return read_u16(bytes + at + 1);
    else at += 1 + size;
  }
  return -1;
}

static void count_media(sink_state *sink, const unsigned char *bytes, unsigned length, double at_ms) {
  source *one = source_of(sink, read_u32(bytes + 8), read_u16(bytes + 2));
  if (one != NULL) count_number(one, read_u16(bytes + 2));
  int number = transport_sequence(bytes, length, sink->transport_sequence_id);
  if (number < 0 || sink->arrivals_to - sink->arrivals_from == ARRIVALS) return;
  sink->arrivals[sink->arrivals_to++ % ARRIVALS] = (arrival){(uint16_t)number, (uint16_t)length, at_ms};
}

typedef struct {
  unsigned at;
  unsigned length;
  struct sockaddr_in from;
  unsigned char bytes[PACKET_BYTES];
} other_datagram;

static bool is_media(const unsigned char *bytes, unsigned length) {
  return length >= 2 && bytes[0] >= 128 && bytes[0] < 192 && !(bytes[1] >= 192 && bytes[1] <= 223);
}

static void *sink(void *argument) {
  sinks *self = argument;
  static unsigned char in[BATCH][PACKET_BYTES];
  struct mmsghdr received[BATCH];
  struct iovec vectors[BATCH];
  struct sockaddr_in from[BATCH];
  struct epoll_event ready[BATCH];
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){in[i], PACKET_BYTES};
    received[i].msg_hdr = (struct msghdr){
        .msg_iov = &vectors[i], .msg_iovlen = 1, .msg_name = &from[i], .msg_namelen = sizeof from[i]};
  }
  for (;;) {
    int count = epoll_wait(self->epoll, ready, BATCH, -1);
    if (count < 0 && errno != EINTR) return NULL;
    for (int i = 0; i < count; i++) {
      sink_state *sink = ready[i].data.ptr;
      int got = recvmmsg(sink->fd, received, BATCH, MSG_DONTWAIT, NULL);
      double now = clock_ms();
      pthread_mutex_lock(&self->lock);
      for (int each = 0; each < got; each++) {
        if (!is_media(in[each], received[each].msg_len) || received[each].msg_len < HEADER_BYTES) continue;
        count_media(sink, in[each], received[each].msg_len, now);
        atomic_fetch_add_explicit(&self->media, 1, memory_order_relaxed);
      }
      pthread_mutex_unlock(&self->lock);
      for (int each = 0; each < got; each++) {
        if (is_media(in[each], received[each].msg_len)) continue;
        other_datagram *other = malloc(sizeof *other);
        if (other == NULL) continue;
        other->at = sink->at;
        other->length = received[each].msg_len;
        other->from = from[each];
        memcpy(other->bytes, in[each], other->length);
        if (napi_call_threadsafe_function(self->tell, other, napi_tsfn_nonblocking) != napi_ok) free(other);
      }
    }
  }
}

static void tell(napi_env env, napi_value callback, void *context, void *data) {
  (void)context;
  other_datagram *other = data;
  napi_value global, values[4];
  char address[INET_ADDRSTRLEN] = "";
  (void)inet_ntop(AF_INET, &other->from.sin_addr, address, sizeof address);
  if (env != NULL && napi_get_global(env, &global) == napi_ok && napi_create_uint32(env, other->at, &values[0]) == napi_ok &&
      napi_create_buffer_copy(env, other->length, other->bytes, NULL, &values[1]) == napi_ok &&
      napi_create_string_utf8(env, address, NAPI_AUTO_LENGTH, &values[2]) == napi_ok &&
      napi_create_uint32(env, ntohs(other->from.sin_port), &values[3]) == napi_ok) {
    (void)napi_call_function(env, global, callback, 4, values, NULL);
  }
  free(other);
}

static sinks the_sinks;

/* startSinks(onOther: (at, bytes, address, port) => void) */
napi_value start_sinks(napi_env env, napi_callback_info info) {
  napi_value callback, name;
  size_t arguments = 1;
  sinks *self = &the_sinks;
  if (napi_get_cb_info(env, info, &arguments, &callback, NULL, NULL) != napi_ok ||
      napi_create_string_utf8(env, "sinks", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, callback, NULL, name, 4096, 1, NULL, NULL, NULL, tell, &self->tell) != napi_ok) {
    napi_throw_error(env, NULL, "no sinks");
    return NULL;
  }
  napi_unref_threadsafe_function(env, self->tell);
  self->epoll = epoll_create1(EPOLL_CLOEXEC);
  pthread_mutex_init(&self->lock, NULL);
  pthread_create(&self->thread, NULL, sink, self);
  return NULL;
}

/* addSink(fd, at, transportSequenceId): takes in what comes to the socket; what is no media is told with that number */
napi_value add_sink(napi_env env, napi_callback_info info) {
  napi_value values[3];
  size_t arguments = 3;
  int32_t fd = -1;
  uint32_t at = 0, id = 0;
  if (napi_get_cb_info(env, info, &arguments, values, NULL, NULL) != napi_ok ||
      napi_get_value_int32(env, values[0], &fd) != napi_ok || napi_get_value_uint32(env, values[1], &at) != napi_ok ||
      napi_get_value_uint32(env, values[2], &id) != napi_ok || at >= SINKS_MOST) {
    napi_throw_type_error(env, NULL, "a socket is needed");
    return NULL;
  }
  sink_state *sink = calloc(1, sizeof *sink);
  if (sink == NULL) return NULL;
  sink->fd = fd;
  sink->at = at;
  sink->transport_sequence_id = id;
  for (int i = 0; i < SOURCES; i++) sink->sources[i].newest = -1;
  the_sinks.all[at] = sink;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = sink};
  epoll_ctl(the_sinks.epoll, EPOLL_CTL_ADD, fd, &event);
  return NULL;
}

static sink_state *sink_at(napi_env env, napi_value value) {
  uint32_t at = SINKS_MOST;
  if (napi_get_value_uint32(env, value, &at) != napi_ok || at >= SINKS_MOST) return NULL;
  return the_sinks.all[at];
}

static double *doubles(napi_env env, napi_value value, size_t *count) {
  napi_typedarray_type type;
  double *into = NULL;
  if (napi_get_typedarray_info(env, value, &type, count, (void **)&into, NULL, NULL) != napi_ok) return NULL;
  return type == napi_float64_array ? into : NULL;
}

/* Of a socket: packets that came when its buffer was full. */
static double dropped_by(int fd) {
  uint32_t memory[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof memory;
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &length) != 0) return 0;
  return memory[SK_MEMINFO_DROPS];
}

/* sinkCounts(at, into: Float64Array of 8): numbers that came, numbers from the first to the newest, those that came twice,
 * packets that the socket dropped, and of the SSRC that came first: itself, its newest number, what came of it, its first */
napi_value sink_counts(napi_env env, napi_callback_info info) {
  napi_value values[2];
  size_t arguments = 2, count = 0;
  sink_state *sink = NULL;
  double *into = NULL;
  if (napi_get_cb_info(env, info, &arguments, values, NULL, NULL) == napi_ok) {
    sink = sink_at(env, values[0]);
    into = doubles(env, values[1], &count);
  }
  if (sink == NULL || into == NULL || count < 8) return NULL;
  memset(into, 0, 8 * sizeof *into);
  pthread_mutex_lock(&the_sinks.lock);
  for (int i = 0; i < SOURCES; i++) {
    const source *one = &sink->sources[i];
    if (one->newest < 0) continue;
    into[0] += (double)one->received;
    into[1] += (double)(one->newest - one->first + 1);
    into[2] += (double)one->doubled;
  }
  const source *first = &sink->sources[0];
  if (first->newest >= 0) {
    into[4] = first->ssrc;
    into[5] = (double)first->newest;
    into[6] = (double)first->received;
    into[7] = (double)first->first;
  }
  pthread_mutex_unlock(&the_sinks.lock);
  into[3] = dropped_by(sink->fd);
  return NULL;
}

/* sinkArrivals(at, into: Float64Array): fills in number, bytes and time (ms) of what came with a transport-wide number since
 * the last call; how many */
napi_value sink_arrivals(napi_env env, napi_callback_info info) {
  napi_value values[2], result;
  size_t arguments = 2, count = 0;
  sink_state *sink = NULL;
  double *into = NULL;
  if (napi_get_cb_info(env, info, &arguments, values, NULL, NULL) == napi_ok) {
    sink = sink_at(env, values[0]);
    into = doubles(env, values[1], &count);
  }
  uint32_t taken = 0;
  if (sink != NULL && into != NULL) {
    pthread_mutex_lock(&the_sinks.lock);
    for (; sink->arrivals_from != sink->arrivals_to && 3 * (taken + 1) <= count; taken++) {
      const arrival *one = &sink->arrivals[sink->arrivals_from++ % ARRIVALS];
      into[3 * taken] = one->number;
      into[3 * taken + 1] = one->bytes;
      into[3 * taken + 2] = one->at_ms;
    }
    pthread_mutex_unlock(&the_sinks.lock);
  }
  napi_create_uint32(env, taken, &result);
  return result;
}

napi_value sunk(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  napi_create_double(env, (double)atomic_load(&the_sinks.media), &result);
  return result;
}
