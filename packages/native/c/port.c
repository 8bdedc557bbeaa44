#include "port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

bool address_parse(struct sockaddr_storage *into, socklen_t *length, const char *text, uint16_t port) {
  memset(into, 0, sizeof *into);
  struct sockaddr_in *four = (struct sockaddr_in *)(void *)into;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)into;
  if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    *length = sizeof *four;
    return true;
  }
  if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1) return false;
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(port);
  *length = sizeof *six;
  return true;
}

static void set_option(int fd, int level, int name, int value) {
  /* What is refused is done without: a smaller buffer, no receive offload. */
  (void)setsockopt(fd, level, name, &value, sizeof value);
}

int port_open(const char *address, uint16_t port, int buffer_bytes) {
  struct sockaddr_storage local;
  socklen_t length;
  if (!address_parse(&local, &length, address, port)) return -EINVAL;
  int fd = socket(local.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  set_option(fd, SOL_SOCKET, SO_RCVBUF, buffer_bytes);
  set_option(fd, SOL_SOCKET, SO_SNDBUF, buffer_bytes);
  set_option(fd, SOL_UDP, UDP_GRO, 1);
  set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  if (local.ss_family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (bind(fd, (const struct sockaddr *)(const void *)&local, length) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

uint16_t port_number(int fd) {
  struct sockaddr_storage local;
  socklen_t length = sizeof local;
  memset(&local, 0, sizeof local);
  if (getsockname(fd, (struct sockaddr *)(void *)&local, &length) != 0) return 0;
  return ntohs(local.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)(const void *)&local)->sin6_port
                                           : ((const struct sockaddr_in *)(const void *)&local)->sin_port);
}

/* The remote address as text and port, "port address". Returns its length. */
static size_t address_text(char text[ADDRESS_TEXT_BYTES], const struct sockaddr_storage *from) {
  char address[INET6_ADDRSTRLEN] = "";
  uint16_t port;
  if (from->ss_family == AF_INET6) {
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)from;
    (void)inet_ntop(AF_INET6, &six->sin6_addr, address, sizeof address);
    port = ntohs(six->sin6_port);
  } else {
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)from;
    (void)inet_ntop(AF_INET, &four->sin_addr, address, sizeof address);
    port = ntohs(four->sin_port);
  }
  return (size_t)snprintf(text, ADDRESS_TEXT_BYTES, "%u %s", port, address);
}

static void tell_datagram(kernel *kernel, int32_t port, const struct sockaddr_storage *from, const uint8_t *bytes,
                          size_t length, double now) {
  char text[ADDRESS_TEXT_BYTES];
  size_t text_bytes = address_text(text, from);
  uint8_t *into =
      event_add(&kernel->events, EVENT_DATAGRAM, port, (uint32_t)(text_bytes + length), now, (uint32_t)text_bytes, 0, 0);
  if (into == NULL) return;
  memcpy(into, text, text_bytes);
  memcpy(into + text_bytes, bytes, length);
}

void port_handle(kernel *kernel, const route_table *routes, int32_t port, const struct sockaddr_storage *from,
                 uint8_t *bytes, size_t length, double now) {
  /* RFC 7983 section 7: 128 .. 191 is RTP or RTCP. */
  route *route = length > 0 && bytes[0] >= 128 && bytes[0] <= 191 ? route_find(routes, port, from) : NULL;
  session *session = route == NULL ? NULL : pool_get(&kernel->sessions, route->session);
  if (session == NULL) {
    tell_datagram(kernel, port, from, bytes, length, now);
    return;
  }
  if (!kernel_receive(kernel, session, bytes, length, now)) return;
  if (now - route->heard_at_ms < HEARD_EVERY_MS) return;
  route->heard_at_ms = now;
  event_add(&kernel->events, EVENT_HEARD, session->id, 0, now, route->path, 0, 0);
}

/* How long the datagrams are that the system put together; 0 when it is a single one. */
static size_t segment_bytes(struct msghdr *message) {
  for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each != NULL; each = CMSG_NXTHDR(message, each)) {
    if (each->cmsg_level != SOL_UDP || each->cmsg_type != UDP_GRO) continue;
    int bytes = 0;
    memcpy(&bytes, CMSG_DATA(each), sizeof bytes);
    return bytes > 0 ? (size_t)bytes : 0;
  }
  return 0;
}

static double milliseconds(const struct timespec *time) {
  return (double)time->tv_sec * 1e3 + (double)time->tv_nsec / 1e6;
}

/* When the system got a datagram. It may have waited for the event loop, and a sender that measures its path by when its
 * packets come must not take that for the path: of probes that are read in one go it would learn nothing. */
static double arrived_at(struct msghdr *message, double now, double wall_now) {
  for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each != NULL; each = CMSG_NXTHDR(message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec wall;
    memcpy(&wall, CMSG_DATA(each), sizeof wall);
    double waited = wall_now - milliseconds(&wall);
    /* Outside of this the wall clock was set. */
    return waited > 0 && waited < LONGEST_WAIT_MS ? now - waited : now;
  }
  return now;
}

static void take_message(kernel *kernel, const route_table *routes, inbox *in, unsigned at, int32_t port, double now,
                         double wall_now) {
  double arrived = arrived_at(&in->messages[at].msg_hdr, now, wall_now);
  size_t left = in->messages[at].msg_len;
  size_t segment = segment_bytes(&in->messages[at].msg_hdr);
  uint8_t *bytes = in->bytes[at];
  if (segment == 0) segment = left;
  while (left > 0) {
    size_t length = left < segment ? left : segment;
    port_handle(kernel, routes, port, &in->from[at], bytes, length, arrived);
    if (kernel_is_full(kernel)) kernel_forward(kernel, now);
    bytes += length;
    left -= length;
  }
}

static void prepare(inbox *in) {
  for (unsigned i = 0; i < IN_MESSAGES; i++) {
    in->vectors[i] = (struct iovec){.iov_base = in->bytes[i], .iov_len = DATAGRAM_MOST};
    in->messages[i].msg_hdr = (struct msghdr){.msg_name = &in->from[i],
                                              .msg_namelen = sizeof in->from[i],
                                              .msg_iov = &in->vectors[i],
                                              .msg_iovlen = 1,
                                              .msg_control = in->controls[i].bytes,
                                              .msg_controllen = sizeof in->controls[i].bytes};
  }
}

bool port_receive(kernel *kernel, const route_table *routes, inbox *in, int32_t port, int fd, double (*now)(void *),
                  void *clock) {
  for (int round = 0; round < IN_ROUNDS; round++) {
    prepare(in);
    int count = recvmmsg(fd, in->messages, IN_MESSAGES, MSG_DONTWAIT, NULL);
    /* An error here is about one earlier datagram, such as an ICMP refusal: consent decides, not this. */
    if (count <= 0) return false;
    double at = now(clock);
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    double wall_at = milliseconds(&wall);
    for (int i = 0; i < count; i++) take_message(kernel, routes, in, (unsigned)i, port, at, wall_at);
    kernel_forward(kernel, at);
    if (count < IN_MESSAGES) return false;
    if (event_room(&kernel->events) < kernel->events.capacity / 2) return true;
  }
  return true;
}
