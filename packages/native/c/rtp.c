#include "rtp.h"

enum { ONE_BYTE_PROFILE = 0xbede, TWO_BYTE_PROFILE = 0x1000 };

bool rtp_parse_header(rtp_view *view, const uint8_t *bytes, size_t length) {
  if (length < RTP_HEADER_BYTES || length > UINT16_MAX || bytes[0] >> 6 != 2) return false;
  view->marker = (bytes[1] & 0x80) != 0;
  view->payload_type = bytes[1] & 0x7f;
  view->sequence_number = read_u16(bytes + 2);
  view->timestamp = read_u32(bytes + 4);
  view->ssrc = read_u32(bytes + 8);
  view->extension_profile = 0;
  view->extension_offset = 0;
  view->extension_bytes = 0;
  uint32_t offset = RTP_HEADER_BYTES + 4u * (bytes[0] & 0x0f);
  if ((bytes[0] & 0x10) != 0) {
    if (offset + 4 > length) return false;
    view->extension_profile = read_u16(bytes + offset);
    view->extension_bytes = 4u * read_u16(bytes + offset + 2);
    view->extension_offset = offset + 4;
    offset += 4 + view->extension_bytes;
  }
  if (offset > length) return false;
  view->payload_offset = offset;
  view->payload_bytes = (uint32_t)length - offset;
  return true;
}

bool rtp_parse(rtp_view *view, const uint8_t *bytes, size_t length) {
  if (!rtp_parse_header(view, bytes, length)) return false;
  if ((bytes[0] & 0x20) == 0) return true;
  uint32_t padding = bytes[length - 1];
  if (padding == 0 || padding > view->payload_bytes) return false;
  view->payload_bytes -= padding;
  return true;
}

static const uint8_t *find_one_byte(const uint8_t *at, const uint8_t *end, uint8_t id, uint32_t *length) {
  while (at < end) {
    if (*at == 0) {
      at++;
      continue;
    }
    uint8_t element = *at >> 4;
    uint32_t size = (*at & 0x0fu) + 1;
    /* Id 15 is reserved and ends the search. */
    if (element == 15 || size > (size_t)(end - at) - 1) return NULL;
    if (element == id) {
      *length = size;
      return at + 1;
    }
    at += 1 + size;
  }
  return NULL;
}

static const uint8_t *find_two_byte(const uint8_t *at, const uint8_t *end, uint8_t id, uint32_t *length) {
  while (at < end) {
    if (*at == 0) {
      at++;
      continue;
    }
    if (end - at < 2 || at[1] > end - at - 2) return NULL;
    if (*at == id) {
      *length = at[1];
      return at + 2;
    }
    at += 2 + at[1];
  }
  return NULL;
}

const uint8_t *rtp_extension(const rtp_view *view, const uint8_t *bytes, uint8_t id, uint32_t *length) {
  if (id == 0 || view->extension_bytes == 0) return NULL;
  const uint8_t *at = bytes + view->extension_offset;
  const uint8_t *end = at + view->extension_bytes;
  if (view->extension_profile == ONE_BYTE_PROFILE) return find_one_byte(at, end, id, length);
  if ((view->extension_profile & 0xfff0) == TWO_BYTE_PROFILE) return find_two_byte(at, end, id, length);
  return NULL;
}

uint32_t rtp_write_header(uint8_t *out, bool marker, uint8_t payload_type, uint16_t sequence_number, uint32_t timestamp,
                          uint32_t ssrc, const extension_plan *plan, int audio_level, uint32_t *transport_sequence_at) {
  uint32_t at = RTP_HEADER_BYTES + 4;
  *transport_sequence_at = 0;
  if (plan->mid_id != 0 && plan->mid_bytes > 0) {
    out[at++] = (uint8_t)((plan->mid_id << 4) | (plan->mid_bytes - 1));
    memcpy(out + at, plan->mid, plan->mid_bytes);
    at += plan->mid_bytes;
  }
  if (plan->audio_level_id != 0 && audio_level >= 0) {
    out[at++] = (uint8_t)(plan->audio_level_id << 4);
    out[at++] = (uint8_t)audio_level;
  }
  if (plan->transport_sequence_id != 0) {
    out[at++] = (uint8_t)((plan->transport_sequence_id << 4) | 1);
    *transport_sequence_at = at;
    at += 2;
  }
  bool extended = at > RTP_HEADER_BYTES + 4;
  if (extended) {
    while (at % 4 != 0) out[at++] = 0;
    write_u16(out + RTP_HEADER_BYTES, ONE_BYTE_PROFILE);
    write_u16(out + RTP_HEADER_BYTES + 2, (uint16_t)((at - RTP_HEADER_BYTES - 4) / 4));
  } else {
    at = RTP_HEADER_BYTES;
  }
  out[0] = extended ? 0x90 : 0x80;
  out[1] = (uint8_t)((marker ? 0x80 : 0) | payload_type);
  write_u16(out + 2, sequence_number);
  write_u32(out + 4, timestamp);
  write_u32(out + 8, ssrc);
  return at;
}
