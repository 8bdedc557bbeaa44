/* What the benches measure against and measure with, compiled on the spot: the least that C can do for a forwarded packet
 * (recvmmsg, AES-128-GCM, sendmmsg), and sinks that take packets in without being the limit. OpenSSL is Node's own, as in
 * the packet kernel, so that both use the same code. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <node_api.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../packages/native/c/crypto.h"

enum { BATCH = 64, PACKET_BYTES = 2048, RECEIVERS_MOST = 1024, HEADER_BYTES = 12, TAG_BYTES = 16, NONCE_BYTES = 12 };

/* ---- The bound: one socket in, one key to open, one key for each receiver. */

typedef struct {
  int fd;
  unsigned receivers;
  struct sockaddr_in to[RECEIVERS_MOST];
  EVP_CIPHER_CTX *open;
  EVP_CIPHER_CTX *seal[RECEIVERS_MOST];
  _Atomic unsigned long sent;
  pthread_t thread;
} forwarder;

static bool seal(EVP_CIPHER_CTX *context, const unsigned char *nonce, const unsigned char *in, int length,
                 unsigned char *out) {
  int written = 0;
  memcpy(out, in, HEADER_BYTES);
  return EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce) == 1 &&
         EVP_EncryptUpdate(context, NULL, &written, out, HEADER_BYTES) == 1 &&
         EVP_EncryptUpdate(context, out + HEADER_BYTES, &written, in + HEADER_BYTES, length - HEADER_BYTES) == 1 &&
         EVP_EncryptFinal_ex(context, out + length, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, CTRL_GET_TAG, TAG_BYTES, out + length) == 1;
}

static bool open_packet(EVP_CIPHER_CTX *context, const unsigned char *nonce, unsigned char *bytes, int length) {
  int written = 0;
  unsigned char none[TAG_BYTES];
  return EVP_DecryptInit_ex(context, NULL, NULL, NULL, nonce) == 1 &&
         EVP_DecryptUpdate(context, NULL, &written, bytes, HEADER_BYTES) == 1 &&
         EVP_DecryptUpdate(context, bytes + HEADER_BYTES, &written, bytes + HEADER_BYTES, length - HEADER_BYTES) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, CTRL_SET_TAG, TAG_BYTES, bytes + length) == 1 &&
         EVP_DecryptFinal_ex(context, none, &written) == 1;
}

static void *forward(void *argument) {
  forwarder *self = argument;
  static unsigned char in[BATCH][PACKET_BYTES], out[BATCH][PACKET_BYTES];
  struct mmsghdr received[BATCH], sending[BATCH];
  struct iovec in_vectors[BATCH], out_vectors[BATCH];
  unsigned char nonce[NONCE_BYTES] = {0};
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      in_vectors[i] = (struct iovec){in[i], PACKET_BYTES};
      received[i].msg_hdr = (struct msghdr){.msg_iov = &in_vectors[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(self->fd, received, BATCH, MSG_WAITFORONE, NULL);
    if (count <= 0) {
      if (count < 0 && errno == EINTR) continue;
      return NULL;
    }
    int waiting = 0;
    for (int i = 0; i < count; i++) {
      int length = (int)received[i].msg_len - TAG_BYTES;
      if (length < HEADER_BYTES) continue;
      memcpy(nonce, in[i] + 2, 8);
      /* Opened and found false, as the load's packets are not really sealed: the work is the same. */
      (void)open_packet(self->open, nonce, in[i], length);
      for (unsigned to = 0; to < self->receivers; to++) {
        if (!seal(self->seal[to], nonce, in[i], length, out[waiting])) return NULL;
        out_vectors[waiting] = (struct iovec){out[waiting], (size_t)length + TAG_BYTES};
        sending[waiting].msg_hdr = (struct msghdr){.msg_name = &self->to[to],
                                                   .msg_namelen = sizeof self->to[to],
                                                   .msg_iov = &out_vectors[waiting],
                                                   .msg_iovlen = 1};
        if (++waiting < BATCH) continue;
        if (sendmmsg(self->fd, sending, BATCH, 0) > 0) atomic_fetch_add(&self->sent, BATCH);
        waiting = 0;
      }
    }
    if (waiting > 0 && sendmmsg(self->fd, sending, (unsigned)waiting, 0) > 0) {
      atomic_fetch_add(&self->sent, (unsigned long)waiting);
    }
  }
}

/* ---- Sinks: many sockets, one thread. Media is counted, the rest is told to JavaScript. */

typedef struct {
  int epoll;
  _Atomic unsigned long media;
  napi_threadsafe_function tell;
  pthread_t thread;
} sinks;

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
      int fd = (int)(ready[i].data.u64 >> 32);
      int got = recvmmsg(fd, received, BATCH, MSG_DONTWAIT, NULL);
      for (int each = 0; each < got; each++) {
        if (is_media(in[each], received[each].msg_len)) {
          atomic_fetch_add_explicit(&self->media, 1, memory_order_relaxed);
          continue;
        }
        other_datagram *other = malloc(sizeof *other);
        if (other == NULL) continue;
        other->at = (unsigned)ready[i].data.u64;
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

/* ---- JavaScript */

static forwarder the_forwarder;
static sinks the_sinks;

static bool read_ints(napi_env env, napi_value value, int32_t **ints, size_t *count) {
  napi_typedarray_type type;
  return napi_get_typedarray_info(env, value, &type, count, (void **)ints, NULL, NULL) == napi_ok &&
         type == napi_int32_array;
}

static EVP_CIPHER_CTX *key(bool seals, unsigned char fill) {
  unsigned char bytes[16];
  memset(bytes, fill, sizeof bytes);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (seals) EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, bytes, NULL);
  else EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), NULL, bytes, NULL);
  return context;
}

/* startForwarder(ports: Int32Array): the port to send to */
static napi_value start_forwarder(napi_env env, napi_callback_info info) {
  napi_value value, result;
  size_t arguments = 1, count = 0;
  int32_t *ports = NULL;
  forwarder *self = &the_forwarder;
  if (napi_get_cb_info(env, info, &arguments, &value, NULL, NULL) != napi_ok || !read_ints(env, value, &ports, &count) ||
      count > RECEIVERS_MOST) {
    napi_throw_type_error(env, NULL, "ports must be an Int32Array");
    return NULL;
  }
  self->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int size = 4 << 20;
  setsockopt(self->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(self->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof local;
  bind(self->fd, (struct sockaddr *)&local, sizeof local);
  getsockname(self->fd, (struct sockaddr *)&local, &length);
  self->receivers = (unsigned)count;
  self->open = key(false, 200);
  for (unsigned i = 0; i < count; i++) {
    self->to[i] = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)ports[i]), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    self->seal[i] = key(true, (unsigned char)i);
  }
  pthread_create(&self->thread, NULL, forward, self);
  napi_create_uint32(env, ntohs(local.sin_port), &result);
  return result;
}

static napi_value forwarded(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  napi_create_double(env, (double)atomic_load(&the_forwarder.sent), &result);
  return result;
}

/* startSinks(onOther: (at, bytes, address, port) => void) */
static napi_value start_sinks(napi_env env, napi_callback_info info) {
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
  pthread_create(&self->thread, NULL, sink, self);
  return NULL;
}

/* addSink(fd, at): takes in what comes to the socket; what is no media is told with that number */
static napi_value add_sink(napi_env env, napi_callback_info info) {
  napi_value values[2];
  size_t arguments = 2;
  int32_t fd = -1;
  uint32_t at = 0;
  if (napi_get_cb_info(env, info, &arguments, values, NULL, NULL) != napi_ok ||
      napi_get_value_int32(env, values[0], &fd) != napi_ok || napi_get_value_uint32(env, values[1], &at) != napi_ok) {
    napi_throw_type_error(env, NULL, "a socket is needed");
    return NULL;
  }
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = ((uint64_t)(uint32_t)fd << 32) | at};
  epoll_ctl(the_sinks.epoll, EPOLL_CTL_ADD, fd, &event);
  return NULL;
}

static napi_value sunk(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  napi_create_double(env, (double)atomic_load(&the_sinks.media), &result);
  return result;
}

/* sendTogether(fd, address, port, packets: Buffer[]): one system call, as a pacer's burst leaves */
static napi_value send_together(napi_env env, napi_callback_info info) {
  napi_value values[4], packet;
  size_t arguments = 4;
  int32_t fd = -1;
  uint32_t port = 0, count = 0;
  char address[64] = "";
  struct sockaddr_in to = {.sin_family = AF_INET};
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
  if (napi_get_cb_info(env, info, &arguments, values, NULL, NULL) != napi_ok ||
      napi_get_value_int32(env, values[0], &fd) != napi_ok ||
      napi_get_value_string_latin1(env, values[1], address, sizeof address, NULL) != napi_ok ||
      napi_get_value_uint32(env, values[2], &port) != napi_ok ||
      napi_get_array_length(env, values[3], &count) != napi_ok || inet_pton(AF_INET, address, &to.sin_addr) != 1) {
    napi_throw_type_error(env, NULL, "a socket, an address and packets are needed");
    return NULL;
  }
  to.sin_port = htons((uint16_t)port);
  for (uint32_t i = 0; i < count && i < BATCH; i++) {
    if (napi_get_element(env, values[3], i, &packet) != napi_ok ||
        napi_get_buffer_info(env, packet, &vectors[i].iov_base, &vectors[i].iov_len) != napi_ok) {
      return NULL;
    }
    messages[i].msg_hdr =
        (struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  (void)sendmmsg(fd, messages, count < BATCH ? count : BATCH, 0);
  return NULL;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor calls[] = {
      {"startForwarder", NULL, start_forwarder, NULL, NULL, NULL, napi_default, NULL},
      {"forwarded", NULL, forwarded, NULL, NULL, NULL, napi_default, NULL},
      {"startSinks", NULL, start_sinks, NULL, NULL, NULL, napi_default, NULL},
      {"addSink", NULL, add_sink, NULL, NULL, NULL, napi_default, NULL},
      {"sendTogether", NULL, send_together, NULL, NULL, NULL, napi_default, NULL},
      {"sunk", NULL, sunk, NULL, NULL, NULL, napi_default, NULL},
  };
  (void)napi_define_properties(env, exports, sizeof calls / sizeof *calls, calls);
  return exports;
}
