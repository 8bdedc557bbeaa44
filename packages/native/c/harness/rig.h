/* A publisher and receivers around the core, without Node and without sockets, for tests and the fuzzer. */
#ifndef LODELINE_RIG_H
#define LODELINE_RIG_H

#include "../port.h"

enum { RIG_LEGS = 3, RIG_EVENTS = 1 << 20, RIG_SSRC = 7, RIG_RTX_SSRC = 8, RIG_SLOT = 100, RIG_SLOT_RTX = 200 };

typedef struct {
  kernel kernel;
  route_table routes;
  struct sockaddr_storage known;   /* of the publisher */
  struct sockaddr_storage unknown; /* of nobody */
  int32_t publisher;
  int32_t receivers[RIG_LEGS];
  int32_t group;
  int32_t stream;
  int32_t legs[RIG_LEGS];
  double now;
  gcm_key seal_rtp;  /* as the publisher has it */
  gcm_key seal_rtcp;
  gcm_key open_rtp;  /* as a receiver has it */
  double told[16];   /* what was told so far, by kind: runs by their packets */
  double heads[16];  /* in so many events */
  stream_record stream_record;
  slot_record slots[RIG_LEGS];
  uint64_t events[RIG_EVENTS / 8];
  uint8_t last_sealed[OUT_PACKET_BYTES]; /* the last protected packet */
  size_t last_sealed_bytes;
} rig;

rig *rig_open(codec_kind codec);
void rig_close(rig *rig);
/* Tells the streams and legs again after a packet that the kernel did not know. */
bool rig_bind(rig *rig, codec_kind codec);
/* Protects a plain packet as the publisher does; length grows by the tag. */
size_t rig_seal(rig *rig, uint8_t *bytes, size_t length, int64_t index);
/* Protects an RTCP compound as the publisher does. */
size_t rig_seal_rtcp(rig *rig, uint8_t *bytes, size_t length, uint32_t index);
/* Takes a datagram from the publisher's address, forwards, and reads all events. */
void rig_datagram(rig *rig, uint8_t *bytes, size_t length);
/* Reads all events: each must be whole and of a known kind. Aborts otherwise. */
void rig_read_events(rig *rig);

#endif
