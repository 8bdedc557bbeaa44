#include "outbox.h"

#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

/* A socket whose buffer is full is waited for so often and so long before its packets are dropped. */
enum { FULL_TRIES = 3, FULL_WAIT_MS = 2 };

void outbox_init(outbox *out) {
  memset(out->messages, 0, sizeof out->messages);
  out->owner = NULL;
  out->run_open = false;
  out->no_segmentation = false;
  out->fd = -1;
  out->packet_count = 0;
  out->message_count = 0;
  out->sent = out->system_calls = out->datagrams = out->dropped = 0;
}

uint8_t *outbox_next(outbox *out) {
  if (out->packet_count == OUT_PACKETS) outbox_flush(out);
  return out->packets[out->packet_count];
}

/* Whether the packet can be one more segment: all are as long as the first, the last may be shorter. */
static bool extends_run(const outbox *out, const void *owner, const struct msghdr *last, size_t length) {
  return out->run_open && out->owner == owner && !out->no_segmentation && last->msg_iovlen < OUT_SEGMENTS &&
         length <= last->msg_iov[0].iov_len;
}

static void mark_segments(outbox *out, unsigned at) {
  struct msghdr *message = &out->messages[at].msg_hdr;
  message->msg_control = out->controls[at].bytes;
  message->msg_controllen = sizeof out->controls[at].bytes;
  struct cmsghdr *control = CMSG_FIRSTHDR(message);
  uint16_t segment = (uint16_t)message->msg_iov[0].iov_len;
  control->cmsg_level = SOL_UDP;
  control->cmsg_type = UDP_SEGMENT;
  control->cmsg_len = CMSG_LEN(sizeof segment);
  memcpy(CMSG_DATA(control), &segment, sizeof segment);
}

void outbox_add(outbox *out, const void *owner, const destination *to, size_t length) {
  uint8_t *bytes = out->packets[out->packet_count];
  if (to->fd < 0) return;
  if (out->message_count > 0 && out->fd != to->fd) {
    /* Another socket: rare, so the packet is simply carried over. */
    uint8_t kept[OUT_PACKET_BYTES];
    memcpy(kept, bytes, length);
    outbox_flush(out);
    bytes = out->packets[0];
    memcpy(bytes, kept, length);
  }
  struct iovec *vector = &out->vectors[out->packet_count];
  vector->iov_base = bytes;
  vector->iov_len = length;
  struct msghdr *last = out->message_count == 0 ? NULL : &out->messages[out->message_count - 1].msg_hdr;
  if (last != NULL && extends_run(out, owner, last, length)) {
    last->msg_iovlen++;
    out->run_open = length == last->msg_iov[0].iov_len;
    if (last->msg_control == NULL) mark_segments(out, out->message_count - 1);
  } else {
    if (out->message_count == OUT_MESSAGES) {
      /* Every message has at least one packet, so this one is not the first of its kind: send, then begin anew. */
      uint8_t kept[OUT_PACKET_BYTES];
      memcpy(kept, bytes, length);
      outbox_flush(out);
      memcpy(out->packets[0], kept, length);
      vector = &out->vectors[0];
      vector->iov_base = out->packets[0];
      vector->iov_len = length;
    }
    unsigned at = out->message_count++;
    out->addresses[at] = to->address;
    out->messages[at].msg_hdr = (struct msghdr){.msg_name = &out->addresses[at],
                                                .msg_namelen = to->address_bytes,
                                                .msg_iov = vector,
                                                .msg_iovlen = 1};
    out->owner = owner;
    out->run_open = true;
    out->fd = to->fd;
  }
  out->packet_count++;
}

/* Sends the segments of one message by themselves, where the system does not cut up. */
static void send_singly(outbox *out, const struct msghdr *message) {
  for (size_t i = 0; i < message->msg_iovlen; i++) {
    struct msghdr one = *message;
    one.msg_iov = &message->msg_iov[i];
    one.msg_iovlen = 1;
    one.msg_control = NULL;
    one.msg_controllen = 0;
    out->system_calls++;
    if (sendmsg(out->fd, &one, MSG_DONTWAIT) >= 0) out->sent++;
    else out->dropped++;
  }
}

static bool wait_until_writable(int fd) {
  struct pollfd waiting = {.fd = fd, .events = POLLOUT};
  return poll(&waiting, 1, FULL_WAIT_MS) == 1;
}

void outbox_flush(outbox *out) {
  unsigned at = 0;
  int tries = 0;
  while (at < out->message_count) {
    int done = sendmmsg(out->fd, &out->messages[at], out->message_count - at, MSG_DONTWAIT);
    out->system_calls++;
    if (done > 0) {
      for (int i = 0; i < done; i++) out->sent += (double)out->messages[at + (unsigned)i].msg_hdr.msg_iovlen;
      out->datagrams += done;
      at += (unsigned)done;
      continue;
    }
    if (errno == EINTR) continue;
    if ((errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) && tries++ < FULL_TRIES) {
      if (wait_until_writable(out->fd)) continue;
    }
    struct msghdr *message = &out->messages[at].msg_hdr;
    if (message->msg_iovlen > 1 && (errno == EIO || errno == EINVAL || errno == ENOTSUP || errno == EMSGSIZE)) {
      /* EMSGSIZE: a segment does not fit this path, others may. The rest: the system cannot cut up at all. */
      if (errno != EMSGSIZE) out->no_segmentation = true;
      send_singly(out, message);
    } else {
      /* An earlier ICMP refusal is reported once by the next call, which then sent nothing: consent decides, not this. */
      out->dropped += (double)message->msg_iovlen;
    }
    at++;
  }
  out->packet_count = 0;
  out->message_count = 0;
  out->owner = NULL;
  out->run_open = false;
}
