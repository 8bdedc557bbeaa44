/* The part of OpenSSL's EVP interface that the kernel uses. Node exports these from the OpenSSL inside it, so that no
 * OpenSSL headers and no library are needed; the declarations are those of OpenSSL 3's evp.h. */
#ifndef LODELINE_CRYPTO_H
#define LODELINE_CRYPTO_H

typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
typedef struct evp_cipher_st EVP_CIPHER;
typedef struct engine_st ENGINE;

EVP_CIPHER_CTX *EVP_CIPHER_CTX_new(void);
void EVP_CIPHER_CTX_free(EVP_CIPHER_CTX *context);
int EVP_CIPHER_CTX_ctrl(EVP_CIPHER_CTX *context, int type, int argument, void *pointer);
const EVP_CIPHER *EVP_aes_128_gcm(void);
const EVP_CIPHER *EVP_aes_256_gcm(void);
int EVP_EncryptInit_ex(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, ENGINE *engine, const unsigned char *key,
                       const unsigned char *nonce);
int EVP_EncryptUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *out_length, const unsigned char *in, int length);
int EVP_EncryptFinal_ex(EVP_CIPHER_CTX *context, unsigned char *out, int *out_length);
int EVP_DecryptInit_ex(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, ENGINE *engine, const unsigned char *key,
                       const unsigned char *nonce);
int EVP_DecryptUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *out_length, const unsigned char *in, int length);
int EVP_DecryptFinal_ex(EVP_CIPHER_CTX *context, unsigned char *out, int *out_length);

/* Values of EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG. */
enum { CTRL_GET_TAG = 0x10, CTRL_SET_TAG = 0x11 };

#endif
