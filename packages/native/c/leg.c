#include <stddef.h>
#include <stdlib.h>

#include "kernel.h"

enum { NO_RTX = 0xff };

int32_t leg_open(kernel *kernel, leg *made) {
  group *group = pool_get(&kernel->groups, made->group);
  if (group == NULL) return NONE;
  if (group->leg_count == group->leg_capacity) {
    uint32_t capacity = group->leg_capacity == 0 ? 8 : group->leg_capacity * 2;
    leg **legs = realloc(group->legs, capacity * sizeof(leg *));
    if (legs == NULL) return NONE;
    group->legs = legs;
    group->leg_capacity = capacity;
  }
  made->current = made->target = NONE;
  for (int i = 0; i < EPOCHS; i++) made->epochs[i].stream = NONE;
  for (int i = 0; i < REPEATS; i++) made->repeated[i] = -1;
  made->id = pool_add(&kernel->legs, made);
  if (made->id != NONE) group->legs[group->leg_count++] = made;
  return made->id;
}

void leg_close(kernel *kernel, int32_t id) {
  leg *gone = pool_remove(&kernel->legs, id);
  if (gone == NULL) return;
  group *group = pool_get(&kernel->groups, gone->group);
  for (uint32_t i = 0; group != NULL && i < group->leg_count; i++) {
    if (group->legs[i] != gone) continue;
    group->legs[i] = group->legs[--group->leg_count];
    break;
  }
  free(gone);
}

/* Begins to remember how the current source is sent. Offsets of picture numbers are not known yet: note_offsets. */
static void open_epoch(leg *leg) {
  leg->epoch = (leg->epoch + 1) & (EPOCHS - 1);
  leg_epoch *epoch = &leg->epochs[leg->epoch];
  epoch->stream = leg->current;
  epoch->first_outgoing = leg->record->rewriter.last_sequence + 1;
  epoch->has_rtx = leg->current_rtx_type != NO_RTX && leg->rtx_ssrc != 0;
  epoch->rtx_payload_type = leg->current_rtx_type;
}

static void note_offsets(leg *leg) {
  leg_epoch *epoch = &leg->epochs[leg->epoch];
  const rewriter_record *rewriter = &leg->record->rewriter;
  epoch->sequence_offset = rewriter->sequence_offset;
  epoch->timestamp_offset = rewriter->timestamp_offset;
  epoch->picture_id_offset = rewriter->picture_id_offset;
  epoch->tl0_offset = rewriter->tl0_offset;
}

void leg_set_target(leg *leg, int32_t stream, uint8_t payload_type, uint8_t rtx_type) {
  leg->target = stream;
  leg->target_type = payload_type;
  leg->target_rtx_type = rtx_type;
}

void leg_set_current(leg *leg, int32_t stream, uint8_t payload_type, uint8_t rtx_type, uint32_t turn) {
  leg->turn = turn;
  leg->current = stream;
  leg->current_type = payload_type;
  leg->current_rtx_type = rtx_type;
  /* TypeScript has sent until now, or has not: what was sent as what is known from here on only. */
  for (int i = 0; i < EPOCHS; i++) leg->epochs[i].stream = NONE;
  if (stream != NONE) open_epoch(leg);
}

static bool awaits(const leg *leg, const stream *stream) {
  return leg->target == stream->id || leg->target == ANY_STREAM;
}

/* Whether a packet of the stream goes out now. A key frame of the target makes it current. */
static bool decide(kernel *kernel, leg *leg, const stream *stream, const source_packet *packet, double now) {
  if (stream->id == leg->current) return true;
  if (!awaits(leg, stream) || !packet->payload.key_frame) return false;
  leg->current = leg->target = stream->id;
  leg->current_type = leg->target_type;
  leg->current_rtx_type = leg->target_rtx_type;
  open_epoch(leg);
  rewriter_begin(&leg->record->rewriter, packet->sequence, packet->timestamp, leg->clock_rate, now);
  event_add(&kernel->events, EVENT_BEGAN, leg->id, 0, now, (uint32_t)stream->id, leg->turn, 0);
  return true;
}

/* Fills in the transport-wide number, and notes that it was used. */
static void number(kernel *kernel, session *session, uint8_t *out, uint32_t at, uint32_t ssrc, size_t length, double now) {
  if (at == 0) return;
  uint16_t sequence = session->transport_sequence++;
  write_u16(out + at, sequence);
  event_sent(&kernel->events, session->id, now, sequence, ssrc, (double)length);
}

/* Builds, protects and hands on one packet; original at or above 0 makes it a retransmission of that number.
 * Returns its length, 0 when it could not be. */
static size_t emit(kernel *kernel, leg *leg, session *session, const source_packet *packet, const rewritten *as,
                   uint32_t ssrc, uint8_t payload_type, int audio_level, int32_t original, int64_t index, double now) {
  if (packet->payload_bytes > RTP_PACKET_LIMIT) return 0;
  uint8_t *out = outbox_next(kernel->out);
  uint32_t number_at = 0;
  uint32_t at = rtp_write_header(out, packet->marker, payload_type, (uint16_t)index, as->timestamp, ssrc, &leg->extensions,
                                 audio_level, &number_at);
  uint32_t before = original >= 0 ? RTX_HEADER_BYTES : 0;
  size_t length = at + before + packet->payload_bytes + GCM_TAG_BYTES;
  number(kernel, session, out, number_at, ssrc, length, now);
  /* The beginning is changed in a copy, the rest goes from the publisher's packet into the cipher and out of it here. */
  uint8_t head[RTX_HEADER_BYTES + PAYLOAD_HEAD_BYTES];
  uint32_t copied = PAYLOAD_HEAD_BYTES - before;
  if (copied > packet->payload_bytes) copied = packet->payload_bytes;
  if (before > 0) write_u16(head, (uint16_t)original);
  memcpy(head + before, packet->bytes, copied);
  if (copied > 0) payload_write_numbers(head + before, &packet->payload, as->picture_id, as->tl0);
  uint8_t nonce[GCM_NONCE_BYTES];
  gcm_rtp_nonce(&session->seal_rtp, nonce, ssrc, index);
  if (!gcm_seal(&session->seal_rtp, nonce, out, (int)at, head, (int)(before + copied), packet->bytes + copied,
                (int)(packet->payload_bytes - copied), out + at)) {
    return 0;
  }
  session_emit(kernel, session, length, now);
  return length;
}

static void forward_one(kernel *kernel, leg *leg, session *session, sink_state *sink, const stream *stream,
                        const source_packet *packet, double now) {
  slot_record *record = leg->record;
  rewritten as;
  if (!decide(kernel, leg, stream, packet, now)) return;
  if (!rewriter_map(&record->rewriter, packet->sequence, packet->timestamp, &packet->payload, now, &as)) return;
  note_offsets(leg);
  bool is_audio = stream->codec == CODEC_OPUS;
  if (packet->payload.key_frame && !is_audio) record->last_key_frame = (double)(as.sequence & 0xffff);
  size_t sent = emit(kernel, leg, session, packet, &as, leg->ssrc, leg->current_type,
                     is_audio ? (int)stream->record->audio_level : -1, -1, as.sequence, now);
  if (sent == 0) return;
  if (as.sequence > sink->newest) sink->newest = as.sequence;
  record->packets += 1;
  record->octets += packet->payload_bytes;
  record->bytes += (double)sent;
  record->last_sent_at_ms = now;
  meter_add(&record->meter, (double)sent - GCM_TAG_BYTES, now);
}

enum { CACHE_LINE_BYTES = 64 };

static void fetch(const void *from, size_t bytes) {
  for (size_t at = 0; at < bytes; at += CACHE_LINE_BYTES) __builtin_prefetch((const uint8_t *)from + at);
}

void leg_fetch(const leg *leg) { fetch(leg, offsetof(struct leg, repeated)); }

void leg_fetch_parts(const kernel *kernel, const leg *leg) {
  const session *session = pool_get(&kernel->sessions, leg->session);
  if (leg->to_script || session == NULL) return;
  fetch(leg->record, sizeof *leg->record);
  fetch(session, sizeof *session);
}

void leg_fetch_session(const kernel *kernel, const leg *leg) {
  const session *session = pool_get(&kernel->sessions, leg->session);
  if (leg->to_script || session == NULL) return;
  ssrc_fetch(&session->sinks, leg->ssrc);
  __builtin_prefetch(session->seal_rtp.context);
}

void leg_forward(kernel *kernel, leg *leg, const stream *stream, double now) {
  if (leg->to_script || (leg->current != stream->id && !awaits(leg, stream))) return;
  session *session = pool_get(&kernel->sessions, leg->session);
  if (session == NULL) return;
  sink_state *sink = session_sink(session, leg->ssrc);
  if (sink == NULL) return;
  for (uint32_t i = 0; i < stream->pending_count; i++) {
    forward_one(kernel, leg, session, sink, stream, &stream->pending[i], now);
  }
  event_end_run(&kernel->events);
}

/* The source in which an outgoing number was sent; NULL when it is too long ago. */
static const leg_epoch *epoch_of(const leg *leg, double outgoing) {
  for (uint32_t back = 0; back < EPOCHS; back++) {
    const leg_epoch *epoch = &leg->epochs[(leg->epoch - back) & (EPOCHS - 1)];
    if (epoch->stream == NONE) return NULL;
    if (outgoing >= epoch->first_outgoing) return epoch;
  }
  return NULL;
}

static void repeat(kernel *kernel, leg *leg, session *session, sink_state *sink, const leg_epoch *epoch,
                   const source_packet *packet, uint16_t number, double now) {
  rewriter_record then = {.sequence_offset = epoch->sequence_offset,
                          .timestamp_offset = epoch->timestamp_offset,
                          .picture_id_offset = epoch->picture_id_offset,
                          .tl0_offset = epoch->tl0_offset,
                          .last_sequence = 281474976710656.0};
  rewritten as;
  if (!rewriter_map(&then, packet->sequence, packet->timestamp, &packet->payload, now, &as)) return;
  leg->record->rtx_sequence = (double)(((uint32_t)leg->record->rtx_sequence + 1) & 0xffff);
  int64_t index = sequence_extend(sink->newest, (uint16_t)leg->record->rtx_sequence);
  size_t sent = emit(kernel, leg, session, packet, &as, leg->rtx_ssrc, epoch->rtx_payload_type, -1, number, index, now);
  if (index > sink->newest) sink->newest = index;
  if (sent > 0) meter_add(&leg->record->meter, (double)sent - GCM_TAG_BYTES, now);
}

uint32_t leg_resend(kernel *kernel, leg *leg, const uint16_t *numbers, size_t count, double interval_ms, double now,
                    bool *beyond_repair) {
  uint32_t sent = 0;
  session *session = pool_get(&kernel->sessions, leg->session);
  if (session == NULL || leg->rtx_ssrc == 0 || leg->current == NONE) return 0;
  sink_state *sink = session_sink(session, leg->rtx_ssrc);
  if (sink == NULL) return 0;
  double newest = leg->record->rewriter.last_sequence;
  for (size_t i = 0; i < count; i++) {
    uint16_t number = numbers[i];
    double outgoing = (double)sequence_extend((int64_t)newest, number);
    const leg_epoch *epoch = outgoing > newest ? NULL : epoch_of(leg, outgoing);
    const stream *stream = epoch == NULL ? NULL : pool_get(&kernel->streams, epoch->stream);
    const source_packet *packet =
        stream == NULL ? NULL : stream_cached(stream, outgoing - epoch->sequence_offset);
    if (packet == NULL) {
      /* A packet from before the last key frame is not missed by any decoder. */
      double key_frame = leg->record->last_key_frame;
      if (key_frame < 0 || sequence_distance(number, (uint16_t)key_frame) > 0) *beyond_repair = true;
      continue;
    }
    uint32_t place = number & (REPEATS - 1);
    bool was_repeated = leg->repeated[place] == number;
    if (!epoch->has_rtx || (was_repeated && now < leg->repeated_at_ms[place] + interval_ms)) continue;
    leg->repeated[place] = number;
    leg->repeated_at_ms[place] = now;
    repeat(kernel, leg, session, sink, epoch, packet, number, now);
    sent++;
  }
  event_end_run(&kernel->events);
  return sent;
}
