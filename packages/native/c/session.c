#include <stdlib.h>

#include "kernel.h"

enum { RTCP_INDEX_BYTES = 4, RTCP_HEADER_BYTES = 8 };

static bool init_keys(session *session, const uint8_t *keys, size_t key_bytes, const uint8_t *salts) {
  return gcm_init(&session->open_rtp, false, keys, key_bytes, salts) &&
         gcm_init(&session->open_rtcp, false, keys + key_bytes, key_bytes, salts + GCM_NONCE_BYTES) &&
         gcm_init(&session->seal_rtp, true, keys + 2 * key_bytes, key_bytes, salts + 2 * GCM_NONCE_BYTES) &&
         gcm_init(&session->seal_rtcp, true, keys + 3 * key_bytes, key_bytes, salts + 3 * GCM_NONCE_BYTES);
}

static void free_session(session *session) {
  gcm_free(&session->open_rtp);
  gcm_free(&session->open_rtcp);
  gcm_free(&session->seal_rtp);
  gcm_free(&session->seal_rtcp);
  ssrc_clear(&session->sources);
  ssrc_clear(&session->sinks);
  free(session);
}

int32_t session_open(kernel *kernel, const uint8_t *keys, size_t key_bytes, const uint8_t *salts) {
  session *made = calloc(1, sizeof *made);
  if (made == NULL) return NONE;
  made->to.fd = -1;
  int32_t id = init_keys(made, keys, key_bytes, salts) ? pool_add(&kernel->sessions, made) : NONE;
  made->id = id;
  if (id == NONE) free_session(made);
  return id;
}

/* Streams and legs of a session that is gone find it gone; TypeScript closes them too. */
void session_close(kernel *kernel, int32_t id) {
  session *gone = pool_remove(&kernel->sessions, id);
  if (gone != NULL) free_session(gone);
}

static source_state *new_source(void) {
  source_state *made = malloc(sizeof *made);
  if (made == NULL) return NULL;
  replay_init(&made->rtp, REPLAY_RTP);
  replay_init(&made->rtcp, REPLAY_RTCP);
  made->stream = NONE;
  made->is_rtx = false;
  return made;
}

/* Keeps the state of an SSRC after its first authentic packet; without room for it the packet is believed all the same,
 * and the next one has no memory. */
static source_state *keep_source(session *session, uint32_t ssrc) {
  source_state *made = new_source();
  if (made == NULL) return NULL;
  if (ssrc_put(&session->sources, ssrc, made)) return made;
  free(made);
  return NULL;
}

int session_open_rtp(session *session, uint8_t *bytes, size_t length, const rtp_view *view, source_state **source) {
  source_state *known = ssrc_get(&session->sources, view->ssrc);
  /* RFC 3711 section 3.3.1: the index nearest to the newest one. Before the first packet the rollover counter is 0. */
  int64_t index = sequence_extend(known == NULL ? -1 : known->rtp.newest, view->sequence_number);
  if (known != NULL && !replay_check(&known->rtp, index)) {
    session->replayed++;
    return -1;
  }
  if (index < 0 || length < view->payload_offset + GCM_TAG_BYTES) {
    session->forged++;
    return -1;
  }
  int plain = (int)(length - GCM_TAG_BYTES);
  uint8_t nonce[GCM_NONCE_BYTES];
  gcm_rtp_nonce(&session->open_rtp, nonce, view->ssrc, index);
  if (!gcm_open(&session->open_rtp, nonce, bytes, (int)view->payload_offset, NULL, 0, bytes + view->payload_offset,
                plain - (int)view->payload_offset)) {
    session->forged++;
    return -1;
  }
  if (known == NULL) known = keep_source(session, view->ssrc);
  if (known == NULL) return -1;
  replay_commit(&known->rtp, index);
  *source = known;
  return plain;
}

int session_open_rtcp(session *session, uint8_t *bytes, size_t length) {
  if (length < RTCP_HEADER_BYTES + GCM_TAG_BYTES + RTCP_INDEX_BYTES) {
    session->forged++;
    return -1;
  }
  uint32_t ssrc = read_u32(bytes + 4);
  const uint8_t *word = bytes + length - RTCP_INDEX_BYTES;
  uint32_t index = read_u32(word) & 0x7fffffff;
  source_state *known = ssrc_get(&session->sources, ssrc);
  if (known != NULL && !replay_check(&known->rtcp, index)) {
    session->replayed++;
    return -1;
  }
  int end = (int)(length - RTCP_INDEX_BYTES - GCM_TAG_BYTES);
  uint8_t nonce[GCM_NONCE_BYTES];
  gcm_rtcp_nonce(&session->open_rtcp, nonce, ssrc, index);
  /* RTCP in clear is authenticated as a whole (RFC 7714 section 9.3); browsers never send it. */
  bool encrypted = (word[0] & 0x80) != 0;
  if (!encrypted || !gcm_open(&session->open_rtcp, nonce, bytes, RTCP_HEADER_BYTES, word, RTCP_INDEX_BYTES,
                              bytes + RTCP_HEADER_BYTES, end - RTCP_HEADER_BYTES)) {
    session->forged++;
    return -1;
  }
  if (known == NULL) known = keep_source(session, ssrc);
  if (known == NULL) return -1;
  replay_commit(&known->rtcp, index);
  return end;
}

int session_seal_rtcp(session *session, uint8_t *bytes, size_t length, size_t room) {
  if (length < RTCP_HEADER_BYTES || length + GCM_TAG_BYTES + RTCP_INDEX_BYTES > room) return -1;
  uint32_t index = session->rtcp_index++ & 0x7fffffff;
  uint8_t aad[RTCP_HEADER_BYTES + RTCP_INDEX_BYTES];
  memcpy(aad, bytes, RTCP_HEADER_BYTES);
  write_u32(aad + RTCP_HEADER_BYTES, 0x80000000u | index);
  uint8_t nonce[GCM_NONCE_BYTES];
  gcm_rtcp_nonce(&session->seal_rtcp, nonce, read_u32(bytes + 4), index);
  if (!gcm_seal(&session->seal_rtcp, nonce, aad, sizeof aad, NULL, 0, bytes + RTCP_HEADER_BYTES,
                (int)length - RTCP_HEADER_BYTES, bytes + RTCP_HEADER_BYTES)) {
    return -1;
  }
  memcpy(bytes + length + GCM_TAG_BYTES, aad + RTCP_HEADER_BYTES, RTCP_INDEX_BYTES);
  return (int)length + GCM_TAG_BYTES + RTCP_INDEX_BYTES;
}

sink_state *session_sink(session *session, uint32_t ssrc) {
  sink_state *sink = ssrc_get(&session->sinks, ssrc);
  if (sink != NULL) return sink;
  sink = malloc(sizeof *sink);
  if (sink == NULL) return NULL;
  sink->newest = -1;
  if (ssrc_put(&session->sinks, ssrc, sink)) return sink;
  free(sink);
  return NULL;
}

void session_emit(kernel *kernel, session *session, size_t length, double now) {
  kernel->packets_out++;
  if (session->to.fd >= 0) {
    outbox_add(kernel->out, session, &session->to, length);
    return;
  }
  uint8_t *bytes = event_add(&kernel->events, EVENT_SEALED, session->id, (uint32_t)length, now, 0, 0, 0);
  if (bytes != NULL) memcpy(bytes, outbox_next(kernel->out), length);
}
