/* The core by itself: "test" runs what can be said in C alone, "fuzz SEED COUNT" throws bytes at it. Built with the address
 * and the undefined-behaviour sanitizer, which end it at the first thing wrong. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

void fuzz(uint64_t seed, uint64_t count);

static int failed;

static void check(bool holds, const char *what) {
  if (holds) return;
  failed++;
  fprintf(stderr, "  FAILED  %s\n", what);
}

static size_t vp8_packet(uint8_t *bytes, uint16_t sequence, bool key_frame, size_t payload_bytes) {
  memset(bytes, 0, 12 + payload_bytes);
  bytes[0] = 0x80;
  bytes[1] = 96;
  write_u16(bytes + 2, sequence);
  write_u32(bytes + 4, 3000u * sequence);
  write_u32(bytes + 8, RIG_SSRC);
  const uint8_t head[] = {0x90, 0xe0, 0x80, (uint8_t)sequence, (uint8_t)sequence, 0x20, key_frame ? 0x10 : 0x11};
  memcpy(bytes + 12, head, sizeof head);
  return 12 + payload_bytes;
}

static void publish(rig *rig, uint16_t sequence, bool key_frame) {
  uint8_t bytes[256];
  size_t length = vp8_packet(bytes, sequence, key_frame, 100);
  rig_datagram(rig, bytes, rig_seal(rig, bytes, length, sequence));
}

static void test_forwarding(void) {
  rig *rig = rig_open(CODEC_VP8);
  publish(rig, 100, false);
  check(rig->told[EVENT_SEALED] == 0, "nothing goes out before a key frame");
  publish(rig, 101, true);
  check(rig->told[EVENT_BEGAN] == RIG_LEGS && rig->told[EVENT_SEALED] == RIG_LEGS, "a key frame begins every leg");
  publish(rig, 102, false);
  check(rig->told[EVENT_SEALED] == 2 * RIG_LEGS, "what follows goes out");
  check(rig->told[EVENT_SENT] == 2, "only the first leg numbers its packets for the transport");
  check(read_u16(rig->last_sealed + 2) == 30002 && read_u32(rig->last_sealed + 8) == RIG_SLOT + 2, "renumbered");
  publish(rig, 105, false);
  check(rig->told[EVENT_GAP] == 1, "a gap is told");
  publish(rig, 103, false);
  check(rig->told[EVENT_LATE] == 1, "and what comes late");
  double before = rig->told[EVENT_SEALED];
  publish(rig, 103, false);
  check(rig->told[EVENT_SEALED] == before, "a copy goes nowhere");
  rig_close(rig);
}

/* What a batch sent to one leg is told in one go, as long as it is alike. */
static void test_runs(void) {
  static const size_t sizes[] = {100, 100, 100, 90, 90, 100};
  enum { PACKETS = sizeof sizes / sizeof *sizes };
  rig *rig = rig_open(CODEC_VP8);
  publish(rig, 100, true);
  double told = rig->told[EVENT_SENT], heads = rig->heads[EVENT_SENT];
  uint8_t bytes[PACKETS][256];
  for (uint16_t each = 0; each < PACKETS; each++) {
    size_t length = vp8_packet(bytes[each], (uint16_t)(101 + each), false, sizes[each]);
    length = rig_seal(rig, bytes[each], length, 101 + each);
    port_handle(&rig->kernel, &rig->routes, 0, &rig->known, bytes[each], length, rig->now);
  }
  kernel_forward(&rig->kernel, rig->now);
  rig_read_events(rig);
  check(rig->told[EVENT_SENT] == told + PACKETS, "each packet of a batch is told as sent");
  check(rig->heads[EVENT_SENT] == heads + 3, "in runs of packets of one size");
  rig_close(rig);
}

static void temporal(rig *rig, uint16_t sequence, uint8_t layer, bool is_told) {
  uint8_t bytes[256];
  size_t length = vp8_packet(bytes, sequence, sequence == 100, 100);
  if (!is_told) bytes[13] = 0xc0;
  bytes[17] = is_told ? (uint8_t)(layer << 6) : 0x11;
  rig_datagram(rig, bytes, rig_seal(rig, bytes, length, sequence));
}

static double metered(const meter_record *meter) {
  double sum = 0;
  for (int i = 0; i < METER_BUCKETS; i++) sum += meter->bytes[i];
  return sum;
}

static void test_temporal_layers(void) {
  rig *rig = rig_open(CODEC_VP8);
  const temporal_record *record = &rig->stream_record.temporal;
  temporal(rig, 100, 0, true);
  temporal(rig, 101, 2, true);
  temporal(rig, 102, 1, true);
  temporal(rig, 103, 3, true);
  check(record->count == 4, "as many layers as the highest told");
  check(metered(&record->meters[0]) == 112 && metered(&record->meters[1]) == 224, "each with those below it");
  temporal(rig, 104, 0, false);
  check(record->count == 4 && metered(&record->meters[1]) == 224, "a packet that tells none belongs to none");
  rig_close(rig);
}

static void test_any_target(void) {
  rig *rig = rig_open(CODEC_VP8);
  publish(rig, 100, true);
  leg *leg = pool_get(&rig->kernel.legs, rig->legs[0]);
  leg_set_current(leg, NONE, 0, 0xff, 1);
  leg_set_target(leg, ANY_STREAM, 120, 121);
  double before = rig->told[EVENT_SEALED];
  publish(rig, 101, false);
  check(rig->told[EVENT_SEALED] == before + RIG_LEGS - 1, "what hangs on frames from before a pause is not begun with");
  publish(rig, 102, true);
  check(rig->told[EVENT_SEALED] == before + 2 * RIG_LEGS - 1 && leg->current == rig->stream, "any stream's key frame is");
  check(leg->target == rig->stream, "and no other is awaited any more");
  rig_close(rig);
}

static void test_repairs(void) {
  rig *rig = rig_open(CODEC_VP8);
  for (uint16_t each = 100; each < 120; each++) publish(rig, each, each == 100);
  leg *leg = pool_get(&rig->kernel.legs, rig->legs[1]);
  const uint16_t numbers[] = {30005, 30006, 30005};
  bool beyond = false;
  uint32_t sent = leg_resend(&rig->kernel, leg, numbers, 3, 20, rig->now, &beyond);
  rig_read_events(rig);
  check(sent == 2 && !beyond, "two packets are repeated once each");
  check(read_u32(rig->last_sealed + 8) == RIG_SLOT_RTX + 1 && (rig->last_sealed[1] & 0x7f) == 121, "by RTX");
  const uint16_t never[] = {31000};
  (void)leg_resend(&rig->kernel, leg, never, 1, 20, rig->now, &beyond);
  check(beyond, "one that was never sent is beyond repair");
  rig_close(rig);
}

static void test_replay(void) {
  rig *rig = rig_open(CODEC_VP8);
  uint8_t sealed[256], again[256];
  size_t length = vp8_packet(sealed, 200, true, 100);
  length = rig_seal(rig, sealed, length, 200);
  memcpy(again, sealed, length);
  rig_datagram(rig, sealed, length);
  double before = rig->told[EVENT_SEALED];
  memcpy(sealed, again, length);
  rig_datagram(rig, sealed, length);
  const session *publisher = pool_get(&rig->kernel.sessions, rig->publisher);
  check(rig->told[EVENT_SEALED] == before && publisher->replayed == 1, "a replayed packet is refused");
  again[length - 1] ^= 1;
  write_u16(again + 2, 201);
  rig_datagram(rig, again, length);
  check(publisher->forged == 1, "a forged packet is refused");
  rig_close(rig);
}

/* RFC 7714 section 16.1.1. */
static void test_vector(void) {
  static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  static const uint8_t salt[12] = {0x51, 0x75, 0x69, 0x64, 0x20, 0x70, 0x72, 0x6f, 0x20, 0x71, 0x75, 0x6f};
  static const uint8_t header[12] = {0x80, 0x40, 0xf1, 0x7b, 0x80, 0x41, 0xf8, 0xd3, 0x55, 0x01, 0xa0, 0xb2};
  static const char plain[] = "Gallia est omnis divisa in partes tres";
  static const uint8_t expected[] = {
      0xf2, 0x4d, 0xe3, 0xa3, 0xfb, 0x34, 0xde, 0x6c, 0xac, 0xba, 0x86, 0x1c, 0x9d, 0x7e, 0x4b, 0xca, 0xbe, 0x63,
      0x3b, 0xd5, 0x0d, 0x29, 0x4e, 0x6f, 0x42, 0xa5, 0xf4, 0x7a, 0x51, 0xc7, 0xd1, 0x9b, 0x36, 0xde, 0x3a, 0xdf,
      0x88, 0x33, 0x89, 0x9d, 0x7f, 0x27, 0xbe, 0xb1, 0x6a, 0x91, 0x52, 0xcf, 0x76, 0x5e, 0xe4, 0x39, 0x0c, 0xce};
  gcm_key gcm;
  uint8_t nonce[12], out[64];
  check(gcm_init(&gcm, true, key, 16, salt), "a key");
  gcm_rtp_nonce(&gcm, nonce, 0x5501a0b2, 0xf17b);
  check(gcm_seal(&gcm, nonce, header, 12, (const uint8_t *)plain, 16, (const uint8_t *)plain + 16, 22, out), "sealing");
  check(memcmp(out, expected, sizeof expected) == 0, "the packet of RFC 7714 section 16.1.1");
  gcm_free(&gcm);
}

static void test_pool(void) {
  pool pool = {0};
  int items[3];
  int32_t first = pool_add(&pool, &items[0]);
  check(pool_get(&pool, first) == &items[0], "what was added is found");
  pool_remove(&pool, first);
  int32_t second = pool_add(&pool, &items[1]);
  check(second != first && pool_get(&pool, first) == NULL, "the number of what is gone means nothing");
  pool_free(&pool);
}

int main(int count, char **arguments) {
  if (count == 4 && strcmp(arguments[1], "fuzz") == 0) {
    fuzz(strtoull(arguments[2], NULL, 10), strtoull(arguments[3], NULL, 10));
    return 0;
  }
  test_vector();
  test_pool();
  test_forwarding();
  test_runs();
  test_temporal_layers();
  test_any_target();
  test_repairs();
  test_replay();
  puts(failed == 0 ? "the kernel by itself: passed" : "the kernel by itself: failed");
  return failed == 0 ? 0 : 1;
}
