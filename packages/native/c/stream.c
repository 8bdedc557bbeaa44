#include <stdlib.h>

#include "kernel.h"

int32_t stream_bind(kernel *kernel, stream *made, source_state *source) {
  if (made->codec != CODEC_OPUS) {
    made->cache = malloc(CACHE_PACKETS * sizeof *made->cache);
    if (made->cache == NULL) return NONE;
    for (int i = 0; i < CACHE_PACKETS; i++) made->cache[i].packet.sequence = -1;
  }
  replay_init(&made->seen, REPLAY_SEEN);
  made->newest = -1;
  made->id = pool_add(&kernel->streams, made);
  if (made->id == NONE) free(made->cache);
  if (made->id == NONE) return NONE;
  source->stream = made->id;
  source->is_rtx = false;
  return made->id;
}

void stream_unbind(kernel *kernel, int32_t id) {
  stream *gone = pool_get(&kernel->streams, id);
  if (gone == NULL) return;
  /* Packets of the batch that is being gathered are let go with it. */
  for (uint32_t i = 0; i < kernel->listed_count; i++) {
    if (kernel->listed[i] == gone) kernel->listed[i] = kernel->listed[--kernel->listed_count];
  }
  pool_remove(&kernel->streams, id);
  free(gone->cache);
  free(gone);
}

static void keep(stream *stream, const source_packet *packet) {
  if (stream->cache == NULL || packet->payload_bytes > RTP_PACKET_LIMIT) return;
  cached_packet *place = &stream->cache[packet->sequence & (CACHE_PACKETS - 1)];
  place->packet = *packet;
  memcpy(place->bytes, packet->bytes, packet->payload_bytes);
  place->packet.bytes = place->bytes;
}

const source_packet *stream_cached(const stream *stream, double sequence) {
  if (stream->cache == NULL || !(sequence >= 0 && sequence < 281474976710656.0)) return NULL;
  const cached_packet *place = &stream->cache[(int64_t)sequence & (CACHE_PACKETS - 1)];
  return place->packet.sequence == (int64_t)sequence ? &place->packet : NULL;
}

/* Gaps are told when they open, and what comes late; packets in order are not told. */
static void watch_gaps(kernel *kernel, stream *stream, int64_t sequence, double now) {
  if (stream->newest >= 0 && sequence <= stream->newest) {
    event_add(&kernel->events, EVENT_LATE, stream->id, 0, now, 0, 0, (double)sequence);
    return;
  }
  if (stream->newest >= 0 && sequence > stream->newest + 1) {
    uint32_t skipped = sequence - stream->newest > UINT32_MAX ? UINT32_MAX : (uint32_t)(sequence - stream->newest);
    event_add(&kernel->events, EVENT_GAP, stream->id, 0, now, skipped, 0, (double)stream->newest);
  }
  stream->newest = sequence;
}

static void note_key_frame(kernel *kernel, stream *stream, const payload_info *payload, double now) {
  stream->record->key_frames += 1;
  if (payload->width > 0) {
    stream->record->width = payload->width;
    stream->record->height = payload->height;
  }
  event_add(&kernel->events, EVENT_KEY_FRAME, stream->id, 0, now, payload->width, payload->height, 0);
}

static void to_script(kernel *kernel, const stream *stream, const uint8_t *bytes, size_t length, int64_t sequence,
                      double now) {
  uint8_t *into =
      event_add(&kernel->events, EVENT_PACKET, stream->id, (uint32_t)length, now, 0, 0, (double)sequence);
  if (into != NULL) memcpy(into, bytes, length);
}

/* Puts the packet on the list of this batch. */
static void list(kernel *kernel, stream *stream, const source_packet *packet) {
  if (stream->pending_count == BATCH_PACKETS) return;
  if (!stream->is_listed) {
    if (kernel->listed_count == kernel->listed_capacity) return;
    kernel->listed[kernel->listed_count++] = stream;
    stream->is_listed = true;
  }
  stream->pending[stream->pending_count++] = *packet;
}

void stream_handle(kernel *kernel, stream *stream, const uint8_t *bytes, size_t length, const rtp_view *view, double now) {
  stream_record *record = stream->record;
  int64_t sequence = sequence_extend(stream->seen.newest, view->sequence_number);
  if (!replay_check(&stream->seen, sequence)) return;
  replay_commit(&stream->seen, sequence);
  bool resumed = record->last_packet_at_ms < 0 || now - record->last_packet_at_ms >= RESUMED_AFTER_MS;
  stream_count(record, sequence, view->timestamp, (double)length, stream->clock_rate, now);
  if (resumed) event_add(&kernel->events, EVENT_RESUMED, stream->id, 0, now, 0, 0, 0);
  source_packet packet = {.sequence = sequence,
                          .timestamp = view->timestamp,
                          .payload_bytes = (uint16_t)view->payload_bytes,
                          .marker = view->marker,
                          .bytes = bytes + view->payload_offset};
  payload_inspect(&packet.payload, stream->codec, packet.bytes, packet.payload_bytes);
  if (stream->codec == CODEC_OPUS) {
    uint32_t level_bytes = 0;
    const uint8_t *level = rtp_extension(view, bytes, stream->audio_level_id, &level_bytes);
    record->audio_level = level != NULL && level_bytes > 0 ? level[0] : -1;
  } else {
    temporal_note(&record->temporal, &packet.payload, (double)length, now);
    if (packet.payload.key_frame) note_key_frame(kernel, stream, &packet.payload, now);
    watch_gaps(kernel, stream, sequence, now);
  }
  const group *group = pool_get(&kernel->groups, stream->group);
  if (group == NULL) return;
  if (group->to_script) to_script(kernel, stream, bytes, length, sequence, now);
  keep(stream, &packet);
  if (group->leg_count > 0) list(kernel, stream, &packet);
}
