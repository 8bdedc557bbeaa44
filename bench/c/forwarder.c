/* The least that C can do for a forwarded packet: recvmmsg, AES-128-GCM, sendmmsg. One socket in, one key to open, one key
 * for each receiver. */
#include "bench.h"

#include <arpa/inet.h>

#include "../../packages/native/c/crypto.h"

enum { RECEIVERS_MOST = 1024, NONCE_BYTES = 12 };

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

/* startForwarder(ports: Int32Array): the port to send to */
napi_value start_forwarder(napi_env env, napi_callback_info info) {
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

napi_value forwarded(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  napi_create_double(env, (double)atomic_load(&the_forwarder.sent), &result);
  return result;
}
