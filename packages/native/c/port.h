/* UDP sockets: batches of datagrams in, each to its session or, as an event, to TypeScript. */
#ifndef LODELINE_PORT_H
#define LODELINE_PORT_H

#include <time.h>

#include "kernel.h"
#include "routes.h"

enum {
  IN_MESSAGES = 64,
  IN_ROUNDS = 4, /* system calls in a row before the event loop has its turn */
  ADDRESS_TEXT_BYTES = 64,
  LONGEST_WAIT_MS = 5000, /* of a datagram for being read */
};

typedef struct {
  struct mmsghdr messages[IN_MESSAGES];
  struct iovec vectors[IN_MESSAGES];
  struct sockaddr_storage from[IN_MESSAGES];
  union {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct timespec))];
  } controls[IN_MESSAGES];
  /* The system may hand on what the network card or the sender put together as one. */
  uint8_t bytes[IN_MESSAGES][DATAGRAM_MOST];
} inbox;

/* Reads an address literal. Returns false when it is none. */
bool address_parse(struct sockaddr_storage *into, socklen_t *length, const char *text, uint16_t port);

/* Opens a bound socket that does not block. Returns it, or -errno. */
int port_open(const char *address, uint16_t port, int buffer_bytes);
/* The port number a socket is bound to, 0 when it is not. */
uint16_t port_number(int fd);
/* Takes a datagram from an address. */
void port_handle(kernel *kernel, const route_table *routes, int32_t port, const struct sockaddr_storage *from,
                 uint8_t *bytes, size_t length, double now);
/* Takes what waits on the socket, up to IN_ROUNDS batches, and forwards each. now is asked once for each batch.
 * Returns whether more may be waiting. */
bool port_receive(kernel *kernel, const route_table *routes, inbox *in, int32_t port, int fd, double (*now)(void *),
                  void *clock);

#endif
