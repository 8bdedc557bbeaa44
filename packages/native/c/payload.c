#include "payload.h"

/* Picture ids of VP8 and VP9 have one form. RFC 7741 section 4.2, RFC 9628 section 4.2. Returns bytes read, 0 when cut. */
static size_t read_picture_id(payload_info *info, const uint8_t *bytes, size_t at, size_t length) {
  if (at >= length) return 0;
  bool is_long = (bytes[at] & 0x80) != 0;
  if (is_long && at + 2 > length) return 0;
  info->picture_id_bits = is_long ? 15 : 7;
  info->picture_id = is_long ? (uint16_t)(read_u16(bytes + at) & 0x7fff) : bytes[at];
  info->picture_id_offset = (uint8_t)at;
  return is_long ? 2 : 1;
}

static void forget_numbers(payload_info *info) {
  info->picture_id_bits = 0;
  info->has_tl0 = false;
  info->temporal_layer = -1;
}

/* RFC 7741 section 4.2. Returns where the VP8 data begins, 0 when malformed. */
static size_t vp8_extended(payload_info *info, const uint8_t *bytes, size_t length) {
  if (length < 2) return 0;
  uint8_t flags = bytes[1];
  size_t at = 2;
  if ((flags & 0x80) != 0) {
    size_t read = read_picture_id(info, bytes, at, length);
    if (read == 0) return 0;
    at += read;
  }
  if ((flags & 0x40) != 0) {
    if (at >= length) return 0;
    info->has_tl0 = true;
    info->tl0 = bytes[at];
    info->tl0_offset = (uint8_t)at;
    at++;
  }
  if ((flags & 0x30) != 0) {
    if (at >= length) return 0;
    if ((flags & 0x20) != 0 && info->picture_id_bits != 0) info->temporal_layer = (int8_t)(bytes[at] >> 6);
    at++;
  }
  return at;
}

static void inspect_vp8(payload_info *info, const uint8_t *bytes, size_t length) {
  if (length < 1) return;
  size_t at = 1;
  if ((bytes[0] & 0x80) != 0) at = vp8_extended(info, bytes, length);
  if (at == 0 || at > length) {
    forget_numbers(info);
    return;
  }
  bool starts_frame = (bytes[0] & 0x10) != 0 && (bytes[0] & 0x07) == 0;
  if (!starts_frame || at >= length) return;
  /* The VP8 frame header: bit 0 clear is a key frame, whose size follows a start code. RFC 6386 section 9.1. */
  info->key_frame = (bytes[at] & 0x01) == 0;
  if (!info->key_frame || at + 10 > length) return;
  if (bytes[at + 3] != 0x9d || bytes[at + 4] != 0x01 || bytes[at + 5] != 0x2a) return;
  info->width = (uint16_t)((bytes[at + 6] | (bytes[at + 7] << 8)) & 0x3fff);
  info->height = (uint16_t)((bytes[at + 8] | (bytes[at + 9] << 8)) & 0x3fff);
}

/* Up to three reference differences, each saying whether another follows. Returns 0 when cut or too many. */
static size_t vp9_references(const uint8_t *bytes, size_t at, size_t length) {
  for (int each = 0; each < 3; each++) {
    if (at >= length) return 0;
    if ((bytes[at++] & 0x01) == 0) return at;
  }
  return at;
}

/* The scalability structure: sizes of the spatial layers, then a description of the picture group. */
static size_t vp9_structure(payload_info *info, const uint8_t *bytes, size_t at, size_t length) {
  if (at >= length) return 0;
  uint8_t head = bytes[at++];
  size_t layers = (head >> 5) + 1u;
  if ((head & 0x10) != 0) {
    if (at + 4 * layers > length) return 0;
    info->width = read_u16(bytes + at + 4 * (layers - 1));
    info->height = read_u16(bytes + at + 4 * (layers - 1) + 2);
    at += 4 * layers;
  }
  if ((head & 0x08) != 0) {
    if (at >= length) return 0;
    for (size_t pictures = bytes[at++]; pictures > 0; pictures--) {
      if (at >= length) return 0;
      at += 1 + ((bytes[at] >> 2) & 0x03u);
    }
  }
  return at;
}

/* RFC 9628 section 4.2. */
static void inspect_vp9(payload_info *info, const uint8_t *bytes, size_t length) {
  if (length < 1) return;
  bool predicted = (bytes[0] & 0x40) != 0;
  bool layered = (bytes[0] & 0x20) != 0;
  bool flexible = (bytes[0] & 0x10) != 0;
  uint8_t spatial = 0;
  size_t at = 1;
  if ((bytes[0] & 0x80) != 0) {
    size_t read = read_picture_id(info, bytes, at, length);
    at = read == 0 ? 0 : at + read;
  }
  if (at > 0 && layered) {
    if (at >= length || (!flexible && at + 2 > length)) {
      at = 0;
    } else {
      spatial = (bytes[at] >> 1) & 0x07;
      if (!flexible) {
        info->has_tl0 = true;
        info->tl0 = bytes[at + 1];
        info->tl0_offset = (uint8_t)(at + 1);
      }
      at += flexible ? 1 : 2;
    }
  }
  if (at > 0 && flexible && predicted) at = vp9_references(bytes, at, length);
  if (at > 0 && (bytes[0] & 0x02) != 0) at = vp9_structure(info, bytes, at, length);
  if (at == 0 || at > length) {
    forget_numbers(info);
    info->width = 0;
    info->height = 0;
    return;
  }
  info->key_frame = !predicted && (bytes[0] & 0x08) != 0 && spatial == 0;
}

/* A sequence parameter set, alone or in an aggregate, marks where a receiver may begin. RFC 6184 sections 5.6, 5.7.1. */
static bool h264_starts_key_frame(const uint8_t *bytes, size_t length) {
  enum { SPS = 7, STAP_A = 24 };
  if (length < 1) return false;
  if ((bytes[0] & 0x1f) == SPS) return true;
  if ((bytes[0] & 0x1f) != STAP_A) return false;
  for (size_t at = 1; at + 3 <= length; at += 2 + (size_t)read_u16(bytes + at)) {
    if ((bytes[at + 2] & 0x1f) == SPS) return true;
  }
  return false;
}

void payload_inspect(payload_info *info, codec_kind codec, const uint8_t *bytes, size_t length) {
  memset(info, 0, sizeof *info);
  info->temporal_layer = -1;
  switch (codec) {
    case CODEC_OPUS:
      info->key_frame = true;
      break;
    case CODEC_VP8:
      inspect_vp8(info, bytes, length);
      break;
    case CODEC_VP9:
      inspect_vp9(info, bytes, length);
      break;
    case CODEC_H264:
      info->key_frame = h264_starts_key_frame(bytes, length);
      break;
    case CODEC_AV1:
      /* The N bit of the aggregation header: first of a coded video sequence. */
      info->key_frame = length >= 1 && (bytes[0] & 0x08) != 0;
      break;
    case CODEC_COUNT:
      break;
  }
}

void payload_write_numbers(uint8_t *head, const payload_info *info, uint16_t picture_id, uint8_t tl0) {
  if (info->picture_id_bits == 15) write_u16(head + info->picture_id_offset, (uint16_t)(0x8000 | picture_id));
  if (info->picture_id_bits == 7) head[info->picture_id_offset] = (uint8_t)(picture_id & 0x7f);
  if (info->has_tl0) head[info->tl0_offset] = tl0;
}
