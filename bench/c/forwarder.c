/* The least that C can do for a forwarded packet: recvmmsg, AES-128-GCM, sendmmsg. One socket in, one key to open, one key
 * for each receiver. */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/udp.h>

#include "../../packages/native/c/crypto.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

enum { RECEIVERS_MOST = 1024 };

typedef struct {
  int fd;
  bool segments; /* what goes to one receiver leaves as one message */
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

/* Segments of one message to one receiver, and packets that wait to be sent: as many as the packet kernel's outbox has. */
enum { SEGMENTS_MOST = 40, WAITING_MOST = 256 };

static bool send_all(forwarder *self, struct mmsghdr *messages, unsigned count, unsigned long packets) {
  for (unsigned sent = 0; sent < count;) {
    int done = sendmmsg(self->fd, messages + sent, count - sent, 0);
    if (done <= 0) return false;
    sent += (unsigned)done;
  }
  atomic_fetch_add(&self->sent, packets);
  return true;
}

/* One datagram for each packet. */
static bool forward_singly(forwarder *self, unsigned char in[BATCH][PACKET_BYTES], const int *lengths, int count) {
  static unsigned char out[BATCH][PACKET_BYTES];
  struct mmsghdr sending[BATCH];
  struct iovec vectors[BATCH];
  unsigned waiting = 0;
  for (int i = 0; i < count; i++) {
    for (unsigned to = 0; to < self->receivers; to++) {
      if (!seal(self->seal[to], in[i] + 2, in[i], lengths[i], out[waiting])) return false;
      vectors[waiting] = (struct iovec){out[waiting], (size_t)lengths[i] + TAG_BYTES};
      sending[waiting].msg_hdr = (struct msghdr){.msg_name = &self->to[to],
                                                 .msg_namelen = sizeof self->to[to],
                                                 .msg_iov = &vectors[waiting],
                                                 .msg_iovlen = 1};
      if (++waiting < BATCH) continue;
      if (!send_all(self, sending, waiting, waiting)) return false;
      waiting = 0;
    }
  }
  return waiting == 0 || send_all(self, sending, waiting, waiting);
}

/* All packets of the batch to one receiver as one message, which the system cuts up. All are of one length here. */
static bool forward_segmented(forwarder *self, unsigned char in[BATCH][PACKET_BYTES], const int *lengths, int count) {
  static unsigned char out[WAITING_MOST][PACKET_BYTES];
  static struct iovec vectors[WAITING_MOST];
  static union {
    char bytes[CMSG_SPACE(sizeof(uint16_t))];
    struct cmsghdr align;
  } controls[BATCH];
  struct mmsghdr sending[BATCH];
  for (int from = 0; from < count; from += SEGMENTS_MOST) {
    int packets = count - from < SEGMENTS_MOST ? count - from : SEGMENTS_MOST;
    unsigned waiting = 0, at = 0;
    for (unsigned to = 0; to < self->receivers; to++) {
      struct iovec *first = &vectors[at];
      for (int i = 0; i < packets; i++, at++) {
        if (!seal(self->seal[to], in[from + i] + 2, in[from + i], lengths[from + i], out[at])) return false;
        vectors[at] = (struct iovec){out[at], (size_t)lengths[from + i] + TAG_BYTES};
      }
      struct msghdr *message = &sending[waiting].msg_hdr;
      *message = (struct msghdr){.msg_name = &self->to[to],
                                 .msg_namelen = sizeof self->to[to],
                                 .msg_iov = first,
                                 .msg_iovlen = (size_t)packets};
      if (packets > 1) {
        message->msg_control = controls[waiting].bytes;
        message->msg_controllen = sizeof controls[waiting].bytes;
        struct cmsghdr *control = CMSG_FIRSTHDR(message);
        uint16_t segment = (uint16_t)(lengths[from] + TAG_BYTES);
        control->cmsg_level = SOL_UDP;
        control->cmsg_type = UDP_SEGMENT;
        control->cmsg_len = CMSG_LEN(sizeof segment);
        memcpy(CMSG_DATA(control), &segment, sizeof segment);
      }
      if (++waiting < BATCH && at + (unsigned)packets <= WAITING_MOST && to + 1 < self->receivers) continue;
      if (!send_all(self, sending, waiting, at)) return false;
      waiting = at = 0;
    }
  }
  return true;
}

static void *forward(void *argument) {
  forwarder *self = argument;
  static unsigned char in[BATCH][PACKET_BYTES];
  struct mmsghdr received[BATCH];
  struct iovec vectors[BATCH];
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      vectors[i] = (struct iovec){in[i], PACKET_BYTES};
      received[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(self->fd, received, BATCH, MSG_WAITFORONE, NULL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return NULL;
    int lengths[BATCH], kept = 0;
    for (int i = 0; i < count; i++) {
      int length = (int)received[i].msg_len - TAG_BYTES;
      if (length < HEADER_BYTES) continue;
      /* Opened and found false, as the load's packets are not really sealed: the work is the same. */
      (void)open_packet(self->open, in[i] + 2, in[i], length);
      if (kept != i) memcpy(in[kept], in[i], (size_t)length);
      lengths[kept++] = length;
    }
    if (!(self->segments ? forward_segmented : forward_singly)(self, in, lengths, kept)) return NULL;
  }
}

static forwarder the_forwarder;

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

/* startForwarder(ports: Int32Array, segments: boolean): the port to send to */
napi_value start_forwarder(napi_env env, napi_callback_info info) {
  napi_value values[2], result;
  size_t arguments = 2, count = 0;
  int32_t *ports = NULL;
  forwarder *self = &the_forwarder;
  if (napi_get_cb_info(env, info, &arguments, values, NULL, NULL) != napi_ok ||
      !read_ints(env, values[0], &ports, &count) ||
      napi_get_value_bool(env, values[1], &self->segments) != napi_ok || count > RECEIVERS_MOST) {
    napi_throw_type_error(env, NULL, "ports must be an Int32Array, segments a boolean");
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

napi_value forwarded(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  napi_create_double(env, (double)atomic_load(&the_forwarder.sent), &result);
  return result;
}
