#include "record.h"

#include <math.h>

static int meter_place(double bucket) { return (int)((int64_t)bucket % METER_BUCKETS); }

void meter_add(meter_record *meter, double size_bytes, double now) {
  double bucket = floor(now / METER_BUCKET_MS);
  /* A record that TypeScript spoilt, or a clock before zero, must not become an index. */
  if (!(bucket >= 0 && bucket < 1e15) || !(meter->newest >= -1 && meter->newest < 1e15)) return;
  if (bucket > meter->newest) {
    double from = meter->newest + 1;
    if (bucket - from >= METER_BUCKETS) from = bucket - METER_BUCKETS + 1;
    for (double each = from; each <= bucket; each++) meter->bytes[meter_place(each)] = 0;
    meter->newest = bucket;
  }
  meter->bytes[meter_place(meter->newest)] += size_bytes;
}

/* A number on the 32-bit circle, as JavaScript's bit operators have it. */
static int32_t to_circle(double value) {
  if (!isfinite(value)) return 0;
  double rest = fmod(trunc(value), 4294967296.0);
  if (rest < 0) rest += 4294967296.0;
  return (int32_t)(uint32_t)rest;
}

void stream_count(stream_record *record, int64_t sequence, uint32_t timestamp, double size_bytes, double clock_rate,
                  double now) {
  bool is_first = record->received == 0;
  record->received += 1;
  if (is_first || (double)sequence > record->newest_sequence) record->newest_sequence = (double)sequence;
  if (is_first || (double)sequence < record->first_sequence) record->first_sequence = (double)sequence;
  double transit = fmod(now * clock_rate / 1000 - timestamp, 4294967296.0);
  if (!is_first) {
    double difference = fabs((double)to_circle(floor(transit - record->transit + 0.5)));
    record->jitter += (difference - record->jitter) / 16;
  }
  record->transit = transit;
  meter_add(&record->meter, size_bytes, now);
  record->packets += 1;
  record->bytes += size_bytes;
  record->last_packet_at_ms = now;
}

void temporal_note(temporal_record *record, const payload_info *payload, double size_bytes, double now) {
  if (payload->temporal_layer < 0) {
    if (payload->key_frame) record->count = 0;
    return;
  }
  if (payload->temporal_layer >= record->count) record->count = payload->temporal_layer + 1;
  for (int at = payload->temporal_layer; at < TEMPORAL_METERS; at++) meter_add(&record->meters[at], size_bytes, now);
}

void rewriter_begin(rewriter_record *record, int64_t sequence, uint32_t timestamp, double clock_rate, double now) {
  double elapsed = 0;
  if (record->begun == 1) {
    elapsed = floor((now - record->last_at_ms) * clock_rate / 1000 + 0.5);
    /* At least one tick on, so that two sources never share a frame. */
    if (!(elapsed >= 1)) elapsed = 1;
  }
  double continued = record->last_timestamp + elapsed;
  record->sequence_offset = record->last_sequence + 1 - (double)sequence;
  record->timestamp_offset = to_circle(continued - timestamp);
  record->first_sequence = (double)sequence;
  record->picture_id_pending = 1;
  record->tl0_pending = 1;
  record->last_timestamp = (uint32_t)to_circle(continued);
  record->last_at_ms = now;
  record->begun = 1;
}

static void map_picture_id(rewriter_record *record, const payload_info *payload, rewritten *out) {
  if (record->picture_id_pending == 1) {
    double last = record->last_picture_id;
    record->picture_id_offset = last < 0 ? 0 : last + 1 - payload->picture_id;
    record->picture_id_pending = 0;
  }
  uint16_t mask = payload->picture_id_bits == 15 ? 0x7fff : 0x7f;
  out->picture_id = (uint16_t)(to_circle(payload->picture_id + record->picture_id_offset) & mask);
}

static void map_tl0(rewriter_record *record, const payload_info *payload, rewritten *out) {
  if (record->tl0_pending == 1) {
    double last = record->last_tl0;
    record->tl0_offset = last < 0 ? 0 : last + 1 - payload->tl0;
    record->tl0_pending = 0;
  }
  out->tl0 = (uint8_t)to_circle(payload->tl0 + record->tl0_offset);
}

bool rewriter_map(rewriter_record *record, int64_t sequence, uint32_t timestamp, const payload_info *payload, double now,
                  rewritten *out) {
  if ((double)sequence < record->first_sequence) return false;
  double outgoing = (double)sequence + record->sequence_offset;
  if (!(outgoing >= 0 && outgoing < 281474976710656.0)) return false;
  out->sequence = (int64_t)outgoing;
  out->timestamp = timestamp + (uint32_t)to_circle(record->timestamp_offset);
  out->picture_id = 0;
  out->tl0 = 0;
  if (payload->picture_id_bits != 0) map_picture_id(record, payload, out);
  if (payload->has_tl0) map_tl0(record, payload, out);
  if (outgoing > record->last_sequence) {
    record->last_sequence = outgoing;
    if (timestamp_distance(out->timestamp, (uint32_t)to_circle(record->last_timestamp)) >= 0) {
      record->last_timestamp = out->timestamp;
      record->last_at_ms = now;
    }
    if (payload->picture_id_bits != 0) record->last_picture_id = out->picture_id;
    if (payload->has_tl0) record->last_tl0 = out->tl0;
  }
  return true;
}
