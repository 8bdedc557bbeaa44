/* The packet kernel: what is told of sessions, streams and legs, and what becomes of each packet by it. It knows no socket
 * and no JavaScript: bytes come in with their time, packets leave by the outbox, the rest becomes events. */
#ifndef LODELINE_KERNEL_H
#define LODELINE_KERNEL_H

#include "events.h"
#include "gcm.h"
#include "outbox.h"
#include "pool.h"
#include "record.h"
#include "replay.h"
#include "rtp.h"
#include "ssrc-map.h"

enum {
  CACHE_PACKETS = 1024,   /* for retransmission: about 3 s of 3 Mbit/s video; a power of two */
  BATCH_PACKETS = 64,     /* forwarded together, so that each leg is visited once for all of them */
  EPOCHS = 8,             /* sources of a leg that are remembered for retransmission; a power of two */
  REPEATS = 256,          /* packets of a leg whose last repetition is remembered; a power of two */
  DATAGRAM_MOST = 65536,
  ANY_STREAM = -2,        /* of the leg's group, as a target: whichever has a key frame first */
};

/* A stream without packets for this long is told to have resumed; as media's LAYER_ACTIVE_MS. */
#define RESUMED_AFTER_MS 1200

typedef struct stream stream;
typedef struct group group;
typedef struct leg leg;
typedef struct session session;

/* A packet of the publisher as it was sent. */
typedef struct {
  int64_t sequence; /* extended; -1: empty */
  uint32_t timestamp;
  uint16_t payload_bytes;
  bool marker;
  payload_info payload;
  const uint8_t *bytes; /* of the payload */
} source_packet;

/* A source packet that owns its bytes. */
typedef struct {
  source_packet packet;
  uint8_t bytes[RTP_PACKET_LIMIT];
} cached_packet;

/* One SSRC of a session that authentic packets have come of. */
typedef struct {
  replay_window rtp;
  replay_window rtcp;
  int32_t stream; /* NONE: unknown */
  bool is_rtx;
} source_state;

/* One SSRC that a session sends. */
typedef struct {
  int64_t newest; /* -1 before the first */
} sink_state;

struct session {
  int32_t id;
  gcm_key open_rtp, open_rtcp, seal_rtp, seal_rtcp;
  ssrc_map sources; /* source_state */
  ssrc_map sinks;   /* sink_state */
  destination to;
  uint8_t transport_sequence_id; /* of what arrives; 0: not agreed */
  uint16_t transport_sequence;   /* of what leaves */
  uint32_t rtcp_index;
  double replayed;
  double forged;
};

/* One SSRC that a peer sends: IncomingStream. */
struct stream {
  int32_t id;
  int32_t session;
  int32_t group; /* NONE: nobody takes it */
  stream_record *record;
  uint32_t ssrc;
  uint8_t payload_type;
  uint8_t audio_level_id;
  codec_kind codec;
  double clock_rate;
  replay_window seen; /* a packet that came by itself and by RTX is forwarded once */
  int64_t newest;     /* for gaps; -1 before the first */
  cached_packet *cache; /* CACHE_PACKETS; NULL for audio */
  uint32_t pending_count; /* of this batch */
  source_packet pending[BATCH_PACKETS];
  bool is_listed;
};

/* A publication: the legs of its streams. */
struct group {
  int32_t id;
  bool to_script; /* its packets go to TypeScript too, which moves them to the legs that say so */
  leg **legs;
  uint32_t leg_count;
  uint32_t leg_capacity;
};

/* How a leg sent one source: what a retransmission has to repeat. */
typedef struct {
  int32_t stream; /* NONE: unused */
  double first_outgoing;
  double sequence_offset;
  double timestamp_offset;
  double picture_id_offset;
  double tl0_offset;
  uint8_t rtx_payload_type;
  bool has_rtx;
} leg_epoch;

/* A forwarder in its slot. */
struct leg {
  int32_t id;
  int32_t group;
  int32_t session;
  slot_record *record;
  uint32_t ssrc;
  uint32_t rtx_ssrc; /* 0: none */
  double clock_rate;
  extension_plan extensions;
  int32_t current; /* stream forwarded now, NONE */
  int32_t target;  /* stream to go over to on its next key frame, NONE or ANY_STREAM */
  bool to_script;  /* TypeScript moves the packets to it; what was sent before is repeated from here */
  uint32_t turn;
  uint8_t current_type, current_rtx_type, target_type, target_rtx_type; /* payload types; rtx 0xff: none */
  leg_epoch epochs[EPOCHS];
  uint32_t epoch;
  int32_t repeated[REPEATS]; /* sequence numbers */
  double repeated_at_ms[REPEATS];
};

typedef struct {
  pool sessions, streams, groups, legs;
  event_buffer events;
  outbox *out;
  stream **listed; /* streams with packets of this batch */
  uint32_t listed_count;
  uint32_t listed_capacity;
  double packets_in;
  double packets_out;
} kernel;

bool kernel_init(kernel *kernel, uint8_t *events, uint32_t event_bytes);
void kernel_free(kernel *kernel);

/* session.c */
/* keys: open RTP, open RTCP, seal RTP, seal RTCP, each key_bytes; salts likewise, 12 bytes each. */
int32_t session_open(kernel *kernel, const uint8_t *keys, size_t key_bytes, const uint8_t *salts);
void session_close(kernel *kernel, int32_t id);
/* Opens RTP in place. Returns the plain length, or -1; source is its state, kept from its first authentic packet on. */
int session_open_rtp(session *session, uint8_t *bytes, size_t length, const rtp_view *view, source_state **source);
/* Opens RTCP in place. Returns the plain length, or -1. */
int session_open_rtcp(session *session, uint8_t *bytes, size_t length);
/* Protects an RTCP compound that has 20 bytes of room after it. Returns the length, or -1. */
int session_seal_rtcp(session *session, uint8_t *bytes, size_t length, size_t room);
/* The newest index of an SSRC that is sent; NULL when there are too many. */
sink_state *session_sink(session *session, uint32_t ssrc);
/* Hands a protected packet of the outbox on: to the socket, or to TypeScript. */
void session_emit(kernel *kernel, session *session, size_t length, double now);

/* stream.c */
int32_t stream_bind(kernel *kernel, stream *made, source_state *source);
void stream_unbind(kernel *kernel, int32_t id);
/* A plain packet of a stream. from_rtx: it was unwrapped. */
void stream_handle(kernel *kernel, stream *stream, const uint8_t *bytes, size_t length, const rtp_view *view, double now);
const source_packet *stream_cached(const stream *stream, double sequence);

/* leg.c */
int32_t leg_open(kernel *kernel, leg *made);
void leg_close(kernel *kernel, int32_t id);
/* The stream to go over to on its next key frame; ANY_STREAM: the first that has one. */
void leg_set_target(leg *leg, int32_t stream, uint8_t payload_type, uint8_t rtx_type);
/* The stream that is forwarded now. turn comes back with EVENT_BEGAN, so that one from before is known. */
void leg_set_current(leg *leg, int32_t stream, uint8_t payload_type, uint8_t rtx_type, uint32_t turn);
/* What leg_forward will read, three legs, two legs and one leg ahead: what a hundred receivers need is in no cache, and each
 * of these is known only when the one before it has come. */
void leg_fetch(const leg *leg);
void leg_fetch_parts(const kernel *kernel, const leg *leg);
void leg_fetch_session(const kernel *kernel, const leg *leg);
void leg_forward(kernel *kernel, leg *leg, const stream *stream, double now);
/* Repeats packets by RTX. Returns how many; beyond_repair: one was never sent or is not kept, and no key frame was sent
 * since. */
uint32_t leg_resend(kernel *kernel, leg *leg, const uint16_t *numbers, size_t count, double interval_ms, double now,
                    bool *beyond_repair);

/* kernel.c */
int32_t group_open(kernel *kernel);
void group_close(kernel *kernel, int32_t id);
/* A datagram of a session, RTP or RTCP; changed. Returns whether it was authentic. Packets wait for kernel_forward. */
bool kernel_receive(kernel *kernel, session *session, uint8_t *bytes, size_t length, double now);
/* A plain packet that TypeScript has found the stream of. The bytes must stay until kernel_forward. */
void kernel_inject(kernel *kernel, session *session, const uint8_t *bytes, size_t length, double now);
/* Forwards what was received since, and hands everything to the socket. */
void kernel_forward(kernel *kernel, double now);
/* Whether the batch is full: forward before receiving more. */
bool kernel_is_full(const kernel *kernel);
/* Protects and sends a packet that TypeScript built; it is copied. Returns bytes sent, 0 when it could not be. */
uint32_t kernel_send_rtp(kernel *kernel, session *session, const uint8_t *bytes, size_t length, size_t payload_offset,
                         size_t transport_sequence_at, double now);
uint32_t kernel_send_rtcp(kernel *kernel, session *session, const uint8_t *bytes, size_t length, double now);

#endif
