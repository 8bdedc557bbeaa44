#include "kernel.h"

#include <stdlib.h>

enum { LISTED_MOST = 4096 };

bool kernel_init(kernel *kernel, uint8_t *events, uint32_t event_bytes) {
  memset(kernel, 0, sizeof *kernel);
  kernel->events = (event_buffer){.bytes = events, .capacity = event_bytes};
  kernel->out = malloc(sizeof *kernel->out);
  kernel->listed = malloc(LISTED_MOST * sizeof(stream *));
  kernel->listed_capacity = LISTED_MOST;
  if (kernel->out == NULL || kernel->listed == NULL) {
    kernel_free(kernel);
    return false;
  }
  outbox_init(kernel->out);
  return true;
}

void kernel_free(kernel *kernel) {
  for (uint32_t place = 0; place < kernel->legs.capacity; place++) free(pool_at(&kernel->legs, place));
  for (uint32_t place = 0; place < kernel->streams.capacity; place++) {
    stream *left = pool_at(&kernel->streams, place);
    if (left != NULL) stream_unbind(kernel, left->id);
  }
  for (uint32_t place = 0; place < kernel->groups.capacity; place++) {
    group *left = pool_at(&kernel->groups, place);
    if (left != NULL) group_close(kernel, left->id);
  }
  for (uint32_t place = 0; place < kernel->sessions.capacity; place++) {
    session *left = pool_at(&kernel->sessions, place);
    if (left != NULL) session_close(kernel, left->id);
  }
  pool_free(&kernel->legs);
  pool_free(&kernel->streams);
  pool_free(&kernel->groups);
  pool_free(&kernel->sessions);
  free(kernel->out);
  free(kernel->listed);
  memset(kernel, 0, sizeof *kernel);
}

int32_t group_open(kernel *kernel) {
  group *made = calloc(1, sizeof *made);
  if (made == NULL) return NONE;
  made->id = pool_add(&kernel->groups, made);
  if (made->id == NONE) {
    free(made);
    return NONE;
  }
  return made->id;
}

void group_close(kernel *kernel, int32_t id) {
  group *gone = pool_remove(&kernel->groups, id);
  if (gone == NULL) return;
  free(gone->legs);
  free(gone);
}

bool kernel_is_full(const kernel *kernel) {
  if (kernel->listed_count >= BATCH_PACKETS) return true;
  uint32_t waiting = 0;
  for (uint32_t i = 0; i < kernel->listed_count; i++) waiting += kernel->listed[i]->pending_count;
  return waiting >= BATCH_PACKETS;
}

/* Tells TypeScript of a packet that it has to find the stream of. */
static void tell_unknown(kernel *kernel, const session *session, const uint8_t *bytes, size_t length, double now) {
  uint8_t *into = event_add(&kernel->events, EVENT_UNKNOWN, session->id, (uint32_t)length, now, 0, 0, 0);
  if (into != NULL) memcpy(into, bytes, length);
}

static void note_transport_sequence(kernel *kernel, const session *session, const rtp_view *view, const uint8_t *bytes,
                                    size_t packet_bytes, double now) {
  uint32_t length = 0;
  const uint8_t *at = rtp_extension(view, bytes, session->transport_sequence_id, &length);
  if (at != NULL && length >= 2) {
    event_add(&kernel->events, EVENT_ARRIVED, session->id, 0, now, read_u16(at), view->ssrc,
              (double)packet_bytes);
  }
}

/* A retransmission becomes the packet it repeats. RFC 4588 section 4. Padding, sent to probe, repeats nothing. */
static bool unwrap_rtx(rtp_view *view, const uint8_t *bytes, const stream *stream) {
  if (view->payload_bytes < RTX_HEADER_BYTES) return false;
  view->sequence_number = read_u16(bytes + view->payload_offset);
  view->ssrc = stream->ssrc;
  view->payload_type = stream->payload_type;
  view->payload_offset += RTX_HEADER_BYTES;
  view->payload_bytes -= RTX_HEADER_BYTES;
  return true;
}

static void handle_plain(kernel *kernel, session *session, const source_state *source, const uint8_t *bytes, size_t length,
                         bool is_new, double now) {
  rtp_view view;
  if (!rtp_parse(&view, bytes, length)) return;
  if (is_new) note_transport_sequence(kernel, session, &view, bytes, length, now);
  stream *stream = source == NULL ? NULL : pool_get(&kernel->streams, source->stream);
  if (stream == NULL || (!source->is_rtx && view.payload_type != stream->payload_type)) {
    if (is_new) tell_unknown(kernel, session, bytes, length, now);
    return;
  }
  if (source->is_rtx && !unwrap_rtx(&view, bytes, stream)) return;
  stream_handle(kernel, stream, bytes, length, &view, now);
}

bool kernel_receive(kernel *kernel, session *session, uint8_t *bytes, size_t length, double now) {
  if (is_rtcp(bytes, length)) {
    int plain = session_open_rtcp(session, bytes, length);
    if (plain < 0) return false;
    uint8_t *into = event_add(&kernel->events, EVENT_RTCP, session->id, (uint32_t)plain, now, 0, 0, 0);
    if (into != NULL) memcpy(into, bytes, (size_t)plain);
    return true;
  }
  rtp_view view;
  source_state *source = NULL;
  if (!rtp_parse_header(&view, bytes, length)) return false;
  int plain = session_open_rtp(session, bytes, length, &view, &source);
  if (plain < 0) return false;
  kernel->packets_in++;
  handle_plain(kernel, session, source, bytes, (size_t)plain, true, now);
  return true;
}

void kernel_inject(kernel *kernel, session *session, const uint8_t *bytes, size_t length, double now) {
  if (length < RTP_HEADER_BYTES) return;
  handle_plain(kernel, session, ssrc_get(&session->sources, read_u32(bytes + 8)), bytes, length, false, now);
}

void kernel_forward(kernel *kernel, double now) {
  for (uint32_t i = 0; i < kernel->listed_count; i++) {
    stream *stream = kernel->listed[i];
    const group *group = pool_get(&kernel->groups, stream->group);
    for (uint32_t each = 0; group != NULL && each < group->leg_count; each++) {
      if (each + 3 < group->leg_count) leg_fetch(group->legs[each + 3]);
      if (each + 2 < group->leg_count) leg_fetch_parts(kernel, group->legs[each + 2]);
      if (each + 1 < group->leg_count) leg_fetch_session(kernel, group->legs[each + 1]);
      leg_forward(kernel, group->legs[each], stream, now);
    }
    stream->pending_count = 0;
    stream->is_listed = false;
  }
  kernel->listed_count = 0;
  outbox_flush(kernel->out);
}

uint32_t kernel_send_rtp(kernel *kernel, session *session, const uint8_t *bytes, size_t length, size_t payload_offset,
                         size_t transport_sequence_at, double now) {
  rtp_view view;
  if (length + GCM_TAG_BYTES > OUT_PACKET_BYTES || !rtp_parse_header(&view, bytes, length)) return 0;
  if (view.payload_offset != payload_offset || transport_sequence_at + 2 > payload_offset) return 0;
  sink_state *sink = session_sink(session, view.ssrc);
  if (sink == NULL) return 0;
  int64_t index = sequence_extend(sink->newest, view.sequence_number);
  if (index < 0) return 0;
  uint8_t *out = outbox_next(kernel->out);
  memcpy(out, bytes, payload_offset);
  if (transport_sequence_at > 0) {
    uint16_t sequence = session->transport_sequence++;
    write_u16(out + transport_sequence_at, sequence);
    event_add(&kernel->events, EVENT_SENT, session->id, 0, now, sequence, view.ssrc, (double)(length + GCM_TAG_BYTES));
  }
  uint8_t nonce[GCM_NONCE_BYTES];
  gcm_rtp_nonce(&session->seal_rtp, nonce, view.ssrc, index);
  if (!gcm_seal(&session->seal_rtp, nonce, out, (int)payload_offset, NULL, 0, bytes + payload_offset,
                (int)(length - payload_offset), out + payload_offset)) {
    return 0;
  }
  if (index > sink->newest) sink->newest = index;
  session_emit(kernel, session, length + GCM_TAG_BYTES, now);
  return (uint32_t)(length + GCM_TAG_BYTES);
}

uint32_t kernel_send_rtcp(kernel *kernel, session *session, const uint8_t *bytes, size_t length, double now) {
  if (length + GCM_TAG_BYTES + 4 > OUT_PACKET_BYTES) return 0;
  uint8_t *out = outbox_next(kernel->out);
  memcpy(out, bytes, length);
  int sealed = session_seal_rtcp(session, out, length, OUT_PACKET_BYTES);
  if (sealed < 0) return 0;
  session_emit(kernel, session, (size_t)sealed, now);
  return (uint32_t)sealed;
}
