#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t KEYS[4 * 16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
static const uint8_t SALTS[4 * 12] = {21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "the rig: %s\n", what);
  abort();
}

static int32_t open_leg(rig *rig, int at) {
  leg *made = calloc(1, sizeof *made);
  must(made != NULL, "memory");
  rig->slots[at].rewriter.last_sequence = 30000;
  rig->slots[at].rewriter.last_picture_id = rig->slots[at].rewriter.last_tl0 = -1;
  rig->slots[at].last_sent_at_ms = rig->slots[at].last_key_frame = -1;
  rig->slots[at].meter.newest = -1;
  made->group = rig->group;
  made->session = rig->receivers[at];
  made->record = &rig->slots[at];
  made->ssrc = RIG_SLOT + (uint32_t)at;
  made->rtx_ssrc = RIG_SLOT_RTX + (uint32_t)at;
  made->clock_rate = 90000;
  made->extensions = (extension_plan){.mid_id = 3, .mid_bytes = 1, .mid = "1", .audio_level_id = 1,
                                      .transport_sequence_id = at == 0 ? 7 : 0};
  return leg_open(&rig->kernel, made);
}

rig *rig_open(codec_kind codec) {
  rig *made = calloc(1, sizeof *made);
  must(made != NULL && kernel_init(&made->kernel, (uint8_t *)made->events, RIG_EVENTS), "memory");
  socklen_t length;
  must(address_parse(&made->known, &length, "10.0.0.1", 5000), "an address");
  must(address_parse(&made->unknown, &length, "fd00::1", 5000), "an address");
  made->now = 1000;
  made->publisher = session_open(&made->kernel, KEYS, 16, SALTS);
  session *publisher = pool_get(&made->kernel.sessions, made->publisher);
  must(publisher != NULL, "a session");
  publisher->transport_sequence_id = 7;
  must(route_set(&made->routes, 0, &made->known, made->publisher, 1), "a route");
  must(gcm_init(&made->seal_rtp, true, KEYS, 16, SALTS) && gcm_init(&made->seal_rtcp, true, KEYS + 16, 16, SALTS + 12) &&
           gcm_init(&made->open_rtp, false, KEYS + 32, 16, SALTS + 24),
       "keys");
  made->group = group_open(&made->kernel);
  made->stream_record.meter.newest = -1;
  for (int i = 0; i < TEMPORAL_METERS; i++) made->stream_record.temporal.meters[i].newest = -1;
  made->stream_record.last_packet_at_ms = made->stream_record.audio_level = -1;
  for (int i = 0; i < RIG_LEGS; i++) {
    made->receivers[i] = session_open(&made->kernel, KEYS, 16, SALTS);
    made->legs[i] = open_leg(made, i);
    must(made->legs[i] != NONE, "a leg");
  }
  made->stream = NONE;
  uint8_t first[64] = {0x80, 96, 0, 99};
  write_u32(first + 8, RIG_SSRC);
  rig_datagram(made, first, rig_seal(made, first, 20, 99));
  write_u32(first + 8, RIG_RTX_SSRC);
  first[0] = 0x80;
  first[1] = 97;
  rig_datagram(made, first, rig_seal(made, first, 20, 99));
  must(rig_bind(made, codec), "a stream");
  return made;
}

bool rig_bind(rig *rig, codec_kind codec) {
  session *publisher = pool_get(&rig->kernel.sessions, rig->publisher);
  source_state *source = ssrc_get(&publisher->sources, RIG_SSRC);
  source_state *repairs = ssrc_get(&publisher->sources, RIG_RTX_SSRC);
  stream *made = calloc(1, sizeof *made);
  if (source == NULL || made == NULL) {
    free(made);
    return false;
  }
  stream_unbind(&rig->kernel, rig->stream);
  *made = (stream){.session = rig->publisher, .record = &rig->stream_record, .ssrc = RIG_SSRC, .payload_type = 96,
                   .codec = codec, .clock_rate = codec == CODEC_OPUS ? 48000 : 90000, .audio_level_id = 1,
                   .group = rig->group};
  rig->stream = stream_bind(&rig->kernel, made, source);
  if (rig->stream == NONE) return false;
  if (repairs != NULL) {
    repairs->stream = rig->stream;
    repairs->is_rtx = true;
  }
  for (int i = 0; i < RIG_LEGS; i++) leg_set_target(pool_get(&rig->kernel.legs, rig->legs[i]), rig->stream, 120, 121);
  return true;
}

void rig_close(rig *rig) {
  gcm_free(&rig->seal_rtp);
  gcm_free(&rig->seal_rtcp);
  gcm_free(&rig->open_rtp);
  route_clear(&rig->routes);
  kernel_free(&rig->kernel);
  free(rig);
}

size_t rig_seal(rig *rig, uint8_t *bytes, size_t length, int64_t index) {
  rtp_view view;
  if (!rtp_parse_header(&view, bytes, length)) return length;
  uint8_t nonce[GCM_NONCE_BYTES];
  gcm_rtp_nonce(&rig->seal_rtp, nonce, view.ssrc, index);
  uint8_t *payload = bytes + view.payload_offset;
  must(gcm_seal(&rig->seal_rtp, nonce, bytes, (int)view.payload_offset, NULL, 0, payload,
                (int)(length - view.payload_offset), payload),
       "sealing");
  return length + GCM_TAG_BYTES;
}

size_t rig_seal_rtcp(rig *rig, uint8_t *bytes, size_t length, uint32_t index) {
  uint8_t nonce[GCM_NONCE_BYTES], aad[12];
  if (length < 8) return length;
  memcpy(aad, bytes, 8);
  write_u32(aad + 8, 0x80000000u | index);
  gcm_rtcp_nonce(&rig->seal_rtcp, nonce, read_u32(bytes + 4), index);
  must(gcm_seal(&rig->seal_rtcp, nonce, aad, 12, NULL, 0, bytes + 8, (int)length - 8, bytes + 8), "sealing");
  memcpy(bytes + length + GCM_TAG_BYTES, aad + 8, 4);
  return length + GCM_TAG_BYTES + 4;
}

void rig_datagram(rig *rig, uint8_t *bytes, size_t length) {
  port_handle(&rig->kernel, &rig->routes, 0, &rig->known, bytes, length, rig->now);
  kernel_forward(&rig->kernel, rig->now);
  rig_read_events(rig);
}

void rig_read_events(rig *rig) {
  event_buffer *events = &rig->kernel.events;
  must(events->run == NULL, "a run that goes on while events are read");
  for (uint32_t at = 0; at < events->used;) {
    const event_head *head = (const event_head *)(const void *)(events->bytes + at);
    must(head->kind >= EVENT_DATAGRAM && head->kind <= EVENT_SENT, "an event of no kind");
    must(head->total_bytes >= sizeof *head + head->length && head->total_bytes % 8 == 0, "an event that is not whole");
    must(head->total_bytes <= events->used - at, "an event past the end");
    must(head->count >= 1 && (head->count == 1 || head->kind == EVENT_SENT), "an event of nothing, or of too much");
    rig->told[head->kind] += head->count;
    rig->heads[head->kind]++;
    if (head->kind == EVENT_SEALED && head->length <= sizeof rig->last_sealed) {
      memcpy(rig->last_sealed, head + 1, head->length);
      rig->last_sealed_bytes = head->length;
    }
    at += head->total_bytes;
  }
  events->used = 0;
  events->urgent = false;
}
