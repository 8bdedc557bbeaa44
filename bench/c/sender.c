/* Sends the packets of the load. */
#include "bench.h"

#include <arpa/inet.h>
#include <poll.h>

/* Sends what fits into one system call; waits where the socket is full. Returns how many the system took. */
static uint32_t send_batch(int fd, struct mmsghdr *messages, unsigned count) {
  enum { TRIES = 20, WAIT_MS = 5 };
  unsigned sent = 0;
  for (int tries = 0; sent < count && tries < TRIES;) {
    int done = sendmmsg(fd, messages + sent, count - sent, 0);
    if (done > 0) {
      sent += (unsigned)done;
      continue;
    }
    tries++;
    struct pollfd full = {.fd = fd, .events = POLLOUT};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) (void)poll(&full, 1, WAIT_MS);
  }
  return sent;
}

/* sendTogether(fd, address, port, packets: Buffer[]): without a pause, as a pacer's burst leaves; how many left */
napi_value send_together(napi_env env, napi_callback_info info) {
  napi_value values[4], packet, result;
  size_t arguments = 4;
  int32_t fd = -1;
  uint32_t port = 0, count = 0, sent = 0;
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
  for (uint32_t from = 0; from < count; from += BATCH) {
    uint32_t batch = count - from < BATCH ? count - from : BATCH;
    for (uint32_t i = 0; i < batch; i++) {
      if (napi_get_element(env, values[3], from + i, &packet) != napi_ok ||
          napi_get_buffer_info(env, packet, &vectors[i].iov_base, &vectors[i].iov_len) != napi_ok) {
        return NULL;
      }
      messages[i].msg_hdr =
          (struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    sent += send_batch(fd, messages, batch);
  }
  napi_create_uint32(env, sent, &result);
  return result;
}
