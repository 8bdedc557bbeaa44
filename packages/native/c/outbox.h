/* Protected packets on their way to the socket: many in one system call, and runs to one receiver as one datagram that the
 * system cuts up (UDP generic segmentation offload). */
#ifndef LODELINE_OUTBOX_H
#define LODELINE_OUTBOX_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "bytes.h"

enum {
  OUT_PACKET_BYTES = 1600,
  OUT_PACKETS = 256, /* few enough that they are still in the cache when the system copies them */
  OUT_MESSAGES = 128,
  OUT_SEGMENTS = 40, /* of one datagram: with 1.6 kB each it stays below 64 kB */
};

/* Where packets go. */
typedef struct {
  int fd; /* below 0: nowhere */
  socklen_t address_bytes;
  struct sockaddr_storage address;
} destination;

typedef struct {
  uint8_t packets[OUT_PACKETS][OUT_PACKET_BYTES];
  struct mmsghdr messages[OUT_MESSAGES];
  struct iovec vectors[OUT_PACKETS];
  struct sockaddr_storage addresses[OUT_MESSAGES];
  union {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
  } controls[OUT_MESSAGES];
  const void *owner; /* of the last message, so that a run can go on */
  bool run_open;
  bool no_segmentation; /* the system refused it once */
  int fd;
  unsigned packet_count;
  unsigned message_count;
  double sent;        /* packets */
  double system_calls;
  double datagrams;   /* as handed to the system */
  double dropped;     /* packets that the system would not take */
} outbox;

void outbox_init(outbox *out);
/* Room for the next packet, OUT_PACKET_BYTES long; sends what is there when it is full. */
uint8_t *outbox_next(outbox *out);
/* The packet built in outbox_next is ready. owner: one receiver, for as long as its destination is the same. */
void outbox_add(outbox *out, const void *owner, const destination *to, size_t length);
/* Hands everything to the system. */
void outbox_flush(outbox *out);

#endif
