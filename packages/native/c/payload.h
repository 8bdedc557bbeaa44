/* What forwarding needs to know of a payload, whatever the codec. */
#ifndef LODELINE_PAYLOAD_H
#define LODELINE_PAYLOAD_H

#include "bytes.h"

typedef enum { CODEC_OPUS, CODEC_VP8, CODEC_VP9, CODEC_H264, CODEC_AV1, CODEC_COUNT } codec_kind;

/* Picture numbers stand this early, so that only so much of a payload is ever rewritten: one block of the cipher. */
enum { PAYLOAD_HEAD_BYTES = 16 };

typedef struct {
  bool key_frame; /* a receiver may begin here; always true for audio */
  uint8_t picture_id_bits; /* 0, 7 or 15 */
  uint8_t picture_id_offset;
  bool has_tl0;
  uint8_t tl0;
  uint8_t tl0_offset;
  int8_t temporal_layer; /* of VP8 with a picture id; -1: none is told */
  uint16_t picture_id;
  uint16_t width; /* pixels, where the payload tells; else 0 */
  uint16_t height;
} payload_info;

/* A malformed or empty payload is merely no key frame and has no picture id. */
void payload_inspect(payload_info *info, codec_kind codec, const uint8_t *bytes, size_t length);

/* Writes the numbers into a copied beginning of the payload. */
void payload_write_numbers(uint8_t *head, const payload_info *info, uint16_t picture_id, uint8_t tl0);

#endif
