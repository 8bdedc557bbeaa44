/* What TypeScript should know, written one after the other into memory that is TypeScript's, and told in batches. */
#ifndef LODELINE_EVENTS_H
#define LODELINE_EVENTS_H

#include "bytes.h"

typedef enum {
  EVENT_DATAGRAM = 1, /* id: port. Not media of a known path: "port address" of detail bytes, then the datagram */
  EVENT_RTCP,         /* id: session. A plain compound */
  EVENT_UNKNOWN,      /* id: session. A plain RTP packet of no known stream, or of another codec than the stream's */
  EVENT_PACKET,       /* id: stream. A plain RTP packet of a publication that TypeScript moves packets of; value: sequence */
  EVENT_KEY_FRAME,    /* id: stream. One began; detail, detail2: its size in pixels, where it told */
  EVENT_GAP,          /* id: stream. Packets are missing; value: the newest before, detail: how far on the one is that came */
  EVENT_LATE,         /* id: stream. A packet came that was passed over before; value: its sequence */
  EVENT_BEGAN,        /* id: leg. It went over to the stream in detail; detail2: its turn */
  EVENT_HEARD,        /* id: session. Authentic packets came; detail: the number of the path */
  EVENT_RESUMED,      /* id: stream. The first packet, or the first after a while without */
  EVENT_SEALED,       /* id: session. A protected packet of a session without a UDP path, to be sent by TypeScript */
  EVENT_ARRIVED,      /* id: session. A packet with the transport-wide number in detail came; value: its bytes, detail2: SSRC */
  EVENT_SENT,         /* id: session. Packets with transport-wide numbers from detail on left; value: bytes of each, detail2: SSRC */
} event_kind;

/* The head of an event, 40 bytes; the bytes follow, padded to 8. In the machine's own order. */
typedef struct {
  uint16_t kind;
  uint16_t count;         /* EVENT_SENT: packets that left, alike, with numbers that follow each other; else 1 */
  uint32_t total_bytes;   /* head, bytes and padding */
  int32_t id;
  uint32_t length; /* of the bytes */
  double at_ms;
  uint32_t detail;
  uint32_t detail2;
  double value;
} event_head;

typedef struct {
  uint8_t *bytes;
  uint32_t capacity;
  uint32_t used;
  bool urgent;    /* something waits that must not wait */
  double oldest;  /* when the oldest was written */
  double dropped; /* for want of room */
  event_head *run; /* the EVENT_SENT that the next packet of the same leg and batch may be part of; NULL: none */
} event_buffer;

/* Adds an event with room for length bytes, which the caller fills in; NULL when there is no room, which is counted. */
uint8_t *event_add(event_buffer *events, event_kind kind, int32_t id, uint32_t length, double now, uint32_t detail,
                   uint32_t detail2, double value);
/* Tells that a packet left, together with those before it of the same run. Runs end before anybody reads events. */
void event_sent(event_buffer *events, int32_t session, double now, uint16_t number, uint32_t ssrc, double packet_bytes);
static inline void event_end_run(event_buffer *events) { events->run = NULL; }
/* Whether an event of so many bytes and its fellows would fit. */
static inline uint32_t event_room(const event_buffer *events) { return events->capacity - events->used; }

#endif
