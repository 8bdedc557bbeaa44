#include "gcm.h"

bool gcm_init(gcm_key *gcm, bool seals, const uint8_t *key, size_t key_bytes, const uint8_t salt[GCM_NONCE_BYTES]) {
  if (key_bytes != 16 && key_bytes != 32) return false;
  const EVP_CIPHER *cipher = key_bytes == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
  gcm->context = EVP_CIPHER_CTX_new();
  if (gcm->context == NULL) return false;
  memcpy(gcm->salt, salt, GCM_NONCE_BYTES);
  gcm->seals = seals;
  int done = seals ? EVP_EncryptInit_ex(gcm->context, cipher, NULL, key, NULL)
                   : EVP_DecryptInit_ex(gcm->context, cipher, NULL, key, NULL);
  if (done == 1) return true;
  gcm_free(gcm);
  return false;
}

void gcm_free(gcm_key *gcm) {
  if (gcm->context != NULL) EVP_CIPHER_CTX_free(gcm->context);
  gcm->context = NULL;
}

static void xor_u32(uint8_t *at, uint32_t value) { write_u32(at, read_u32(at) ^ value); }

void gcm_rtp_nonce(const gcm_key *gcm, uint8_t nonce[GCM_NONCE_BYTES], uint32_t ssrc, int64_t index) {
  memcpy(nonce, gcm->salt, GCM_NONCE_BYTES);
  xor_u32(nonce + 2, ssrc);
  xor_u32(nonce + 6, (uint32_t)(index >> 16));
  write_u16(nonce + 10, (uint16_t)(read_u16(nonce + 10) ^ (uint16_t)index));
}

void gcm_rtcp_nonce(const gcm_key *gcm, uint8_t nonce[GCM_NONCE_BYTES], uint32_t ssrc, uint32_t index) {
  memcpy(nonce, gcm->salt, GCM_NONCE_BYTES);
  xor_u32(nonce + 2, ssrc);
  xor_u32(nonce + 8, index);
}

bool gcm_seal(gcm_key *gcm, const uint8_t nonce[GCM_NONCE_BYTES], const uint8_t *aad, int aad_bytes, const uint8_t *first,
              int first_bytes, const uint8_t *rest, int rest_bytes, uint8_t *out) {
  EVP_CIPHER_CTX *context = gcm->context;
  int written = 0;
  if (EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce) != 1) return false;
  if (EVP_EncryptUpdate(context, NULL, &written, aad, aad_bytes) != 1) return false;
  if (first_bytes > 0 && EVP_EncryptUpdate(context, out, &written, first, first_bytes) != 1) return false;
  out += first_bytes;
  if (rest_bytes > 0 && EVP_EncryptUpdate(context, out, &written, rest, rest_bytes) != 1) return false;
  out += rest_bytes;
  if (EVP_EncryptFinal_ex(context, out, &written) != 1) return false;
  return EVP_CIPHER_CTX_ctrl(context, CTRL_GET_TAG, GCM_TAG_BYTES, out) == 1;
}

bool gcm_open(gcm_key *gcm, const uint8_t nonce[GCM_NONCE_BYTES], const uint8_t *aad, int aad_bytes, const uint8_t *aad2,
              int aad2_bytes, uint8_t *bytes, int length) {
  EVP_CIPHER_CTX *context = gcm->context;
  uint8_t tag[GCM_TAG_BYTES];
  uint8_t none[GCM_TAG_BYTES];
  int written = 0;
  memcpy(tag, bytes + length, GCM_TAG_BYTES);
  if (EVP_DecryptInit_ex(context, NULL, NULL, NULL, nonce) != 1) return false;
  if (EVP_DecryptUpdate(context, NULL, &written, aad, aad_bytes) != 1) return false;
  if (aad2_bytes > 0 && EVP_DecryptUpdate(context, NULL, &written, aad2, aad2_bytes) != 1) return false;
  if (length > 0 && EVP_DecryptUpdate(context, bytes, &written, bytes, length) != 1) return false;
  if (EVP_CIPHER_CTX_ctrl(context, CTRL_SET_TAG, GCM_TAG_BYTES, tag) != 1) return false;
  return EVP_DecryptFinal_ex(context, none, &written) == 1;
}
