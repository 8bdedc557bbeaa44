/* AES in Galois counter mode with a key that stays: the context and its key schedule are made once. RFC 7714. */
#ifndef LODELINE_GCM_H
#define LODELINE_GCM_H

#include "bytes.h"
#include "crypto.h"

enum { GCM_TAG_BYTES = 16, GCM_NONCE_BYTES = 12 };

typedef struct {
  EVP_CIPHER_CTX *context;
  uint8_t salt[GCM_NONCE_BYTES];
  bool seals;
} gcm_key;

/* key: 16 or 32 bytes. Returns false when there is no memory or the length is another. */
bool gcm_init(gcm_key *gcm, bool seals, const uint8_t *key, size_t key_bytes, const uint8_t salt[GCM_NONCE_BYTES]);
void gcm_free(gcm_key *gcm);

/* RFC 7714 section 8.1: SSRC and the 48-bit packet index over the salt. */
void gcm_rtp_nonce(const gcm_key *gcm, uint8_t nonce[GCM_NONCE_BYTES], uint32_t ssrc, int64_t index);
/* RFC 7714 section 9.1: SSRC and the 31-bit SRTCP index over the salt. */
void gcm_rtcp_nonce(const gcm_key *gcm, uint8_t nonce[GCM_NONCE_BYTES], uint32_t ssrc, uint32_t index);

/* Two pieces of plain text, so that a changed beginning needs no copy of the rest. The first is a whole number of 16-byte
 * blocks, or all there is. Writes both and the tag to out. */
bool gcm_seal(gcm_key *gcm, const uint8_t nonce[GCM_NONCE_BYTES], const uint8_t *aad, int aad_bytes, const uint8_t *first,
              int first_bytes, const uint8_t *rest, int rest_bytes, uint8_t *out);

/* Opens bytes[0 .. length) in place; the tag follows at bytes + length. aad may come in two pieces. */
bool gcm_open(gcm_key *gcm, const uint8_t nonce[GCM_NONCE_BYTES], const uint8_t *aad, int aad_bytes, const uint8_t *aad2,
              int aad2_bytes, uint8_t *bytes, int length);

#endif
