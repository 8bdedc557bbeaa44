/* What lasts from packet to packet and is TypeScript's as much as ours: arrays of numbers that TypeScript allocates. The
 * order is that of media's IncomingStream and SendSlot and of rtp's ReceptionStatistics, BitrateMeter, TemporalLayers and
 * StreamRewriter; the conformance suite runs one packet through both and compares. */
#ifndef LODELINE_RECORD_H
#define LODELINE_RECORD_H

#include "payload.h"

enum { METER_BUCKETS = 10, METER_BUCKET_MS = 100, TEMPORAL_METERS = 2 };

/* BitrateMeter. */
typedef struct {
  double newest;
  double bytes[METER_BUCKETS];
} meter_record;

/* TemporalLayers: how many there are, and what those below the highest take. */
typedef struct {
  double count;
  meter_record meters[TEMPORAL_METERS];
} temporal_record;

/* IncomingStream. */
typedef struct {
  double received;
  double first_sequence;
  double newest_sequence;
  double transit;
  double jitter;
  meter_record meter;
  double packets;
  double bytes;
  double last_packet_at_ms; /* -1: none yet */
  double key_frames;
  double width;
  double height;
  double audio_level; /* as in the packet; -1: none yet */
  temporal_record temporal;
} stream_record;

/* StreamRewriter; 0 and 1 are no and yes, -1 is none yet. */
typedef struct {
  double begun;
  double sequence_offset;
  double timestamp_offset;
  double picture_id_offset;
  double tl0_offset;
  double picture_id_pending;
  double tl0_pending;
  double first_sequence;
  double last_sequence;
  double last_timestamp;
  double last_at_ms;
  double last_picture_id;
  double last_tl0;
} rewriter_record;

/* SendSlot. */
typedef struct {
  rewriter_record rewriter;
  meter_record meter;
  double packets;
  double octets;
  double bytes;
  double last_sent_at_ms; /* -1: none yet */
  double last_key_frame;  /* sequence number; -1: none yet */
  double rtx_sequence;
} slot_record;

enum {
  STREAM_FIELDS = sizeof(stream_record) / sizeof(double),
  SLOT_FIELDS = sizeof(slot_record) / sizeof(double),
};

void meter_add(meter_record *meter, double size_bytes, double now);

/* A packet arrived: counters, loss and jitter. RFC 3550 sections 6.4.1 and A.8. */
void stream_count(stream_record *record, int64_t sequence, uint32_t timestamp, double size_bytes, double clock_rate,
                  double now);

/* A packet of a VP8 stream arrived. */
void temporal_note(temporal_record *record, const payload_info *payload, double size_bytes, double now);

/* What the rewriting of one packet came to. */
typedef struct {
  int64_t sequence; /* extended: also the SRTP index, since it begins below 2^15 and never goes back */
  uint32_t timestamp;
  uint16_t picture_id;
  uint8_t tl0;
} rewritten;

/* Starts a new source right after everything sent so far; the timestamp goes on by the time that passed. */
void rewriter_begin(rewriter_record *record, int64_t sequence, uint32_t timestamp, double clock_rate, double now);

/* Maps one packet of the current source. Returns false for one from before the source began here. */
bool rewriter_map(rewriter_record *record, int64_t sequence, uint32_t timestamp, const payload_info *payload, double now,
                  rewritten *out);

#endif
