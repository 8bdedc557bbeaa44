/* RTP headers: a look at what came, and the header of what leaves. RFC 3550 section 5, RFC 8285. */
#ifndef LODELINE_RTP_H
#define LODELINE_RTP_H

#include "bytes.h"

enum { RTP_HEADER_BYTES = 12, RTP_PACKET_LIMIT = 1460, MID_MOST_BYTES = 16, RTX_HEADER_BYTES = 2 };

typedef struct {
  bool marker;
  uint8_t payload_type;
  uint16_t sequence_number;
  uint32_t timestamp;
  uint32_t ssrc;
  uint16_t extension_profile; /* 0: none */
  uint32_t extension_offset;
  uint32_t extension_bytes;
  uint32_t payload_offset;
  uint32_t payload_bytes; /* without padding */
} rtp_view;

/* Looks at the header only: for a packet that is still protected, whose padding count is encrypted. */
bool rtp_parse_header(rtp_view *view, const uint8_t *bytes, size_t length);
/* Looks at a plain packet, padding too. */
bool rtp_parse(rtp_view *view, const uint8_t *bytes, size_t length);

/* RFC 5761 section 4: the second byte of RTCP is 192 .. 223. */
static inline bool is_rtcp(const uint8_t *bytes, size_t length) {
  return length >= 2 && bytes[1] >= 192 && bytes[1] <= 223;
}

/* The data of a header extension element, NULL when the packet has none of that id. */
const uint8_t *rtp_extension(const rtp_view *view, const uint8_t *bytes, uint8_t id, uint32_t *length);

/* What one leg writes into every header. */
typedef struct {
  uint8_t mid_id; /* 0: not agreed */
  uint8_t audio_level_id;
  uint8_t transport_sequence_id;
  uint8_t mid_bytes;
  uint8_t mid[MID_MOST_BYTES];
} extension_plan;

enum { HEADER_MOST_BYTES = RTP_HEADER_BYTES + 4 + 1 + MID_MOST_BYTES + 2 + 3 + 3 };

/* Writes header and extensions. audio_level below 0 is left out.
 * transport_sequence_at: set to where the two bytes of the transport-wide number stand, 0 when it has none.
 * Returns where the payload begins, at most HEADER_MOST_BYTES. */
uint32_t rtp_write_header(uint8_t *out, bool marker, uint8_t payload_type, uint16_t sequence_number, uint32_t timestamp,
                          uint32_t ssrc, const extension_plan *plan, int audio_level, uint32_t *transport_sequence_at);

#endif
