/* Bytes that strangers and peers could send, by a seed: some are noise, most are valid in part. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

typedef struct {
  uint64_t state;
} dice;

/* xorshift64*: good enough to spread inputs, and the same everywhere. */
static uint32_t roll(dice *dice) {
  dice->state ^= dice->state >> 12;
  dice->state ^= dice->state << 25;
  dice->state ^= dice->state >> 27;
  return (uint32_t)((dice->state * 2685821657736338717u) >> 32);
}

static uint32_t below(dice *dice, uint32_t limit) { return roll(dice) % limit; }

static size_t noise(dice *dice, uint8_t *bytes, size_t most) {
  size_t length = below(dice, 8) == 0 ? below(dice, (uint32_t)most) : below(dice, 100);
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)roll(dice);
  return length;
}

/* A packet that is right but for a few changes: extension, padding, CSRCs and payload by chance. */
static size_t packet(dice *dice, uint8_t *bytes, uint16_t sequence) {
  size_t length = RTP_HEADER_BYTES;
  memset(bytes, 0, RTP_HEADER_BYTES);
  bytes[0] = 0x80;
  bytes[1] = (uint8_t)(below(dice, 8) == 0 ? roll(dice) : below(dice, 4) == 0 ? 97 : 96);
  write_u16(bytes + 2, sequence);
  write_u32(bytes + 4, roll(dice));
  write_u32(bytes + 8, below(dice, 10) == 0 ? roll(dice) : bytes[1] == 97 ? RIG_RTX_SSRC : RIG_SSRC);
  if (below(dice, 2) == 0) {
    bytes[0] |= 0x10;
    write_u16(bytes + length, below(dice, 4) == 0 ? 0x1000 : 0xbede);
    uint16_t words = (uint16_t)below(dice, 6);
    write_u16(bytes + length + 2, words);
    length += 4;
    for (int i = 0; i < 4 * words; i++) bytes[length++] = (uint8_t)(below(dice, 3) == 0 ? roll(dice) : 0x10 * below(dice, 9));
  }
  size_t payload = below(dice, 20) == 0 ? below(dice, 1600) : below(dice, 60);
  for (size_t i = 0; i < payload; i++) bytes[length++] = (uint8_t)(below(dice, 2) == 0 ? roll(dice) : 0x90u >> below(dice, 8));
  for (uint32_t changes = below(dice, 3); changes > 0; changes--) bytes[below(dice, (uint32_t)length)] ^= (uint8_t)(1u << below(dice, 8));
  return length;
}

static void authentic(dice *dice, rig *rig, uint8_t *bytes, int64_t *index) {
  *index += below(dice, 30) == 0 ? (int64_t)below(dice, 3000) - 1000 : 1;
  if (*index < 0) *index = 0;
  size_t length = packet(dice, bytes, (uint16_t)*index);
  rig_datagram(rig, bytes, rig_seal(rig, bytes, length, *index));
}

static void stray(dice *dice, rig *rig, uint8_t *bytes) {
  size_t length = noise(dice, bytes, DATAGRAM_MOST);
  /* STUN, DTLS, RTP and RTCP by their first bytes. RFC 7983. */
  static const uint8_t FIRST[] = {0, 1, 20, 22, 63, 64, 128, 129, 144, 191, 255};
  if (length > 1 && below(dice, 2) == 0) bytes[0] = FIRST[below(dice, sizeof FIRST)];
  if (length > 1 && below(dice, 4) == 0) bytes[1] = (uint8_t)(192 + below(dice, 32));
  const struct sockaddr_storage *from = below(dice, 2) == 0 ? &rig->known : &rig->unknown;
  port_handle(&rig->kernel, &rig->routes, 0, from, bytes, length, rig->now);
  kernel_forward(&rig->kernel, rig->now);
  rig_read_events(rig);
}

/* What TypeScript may call, with arguments that make no sense. */
static void calls(dice *dice, rig *rig, uint8_t *bytes) {
  uint16_t numbers[20];
  bool beyond = false;
  session *session = pool_get(&rig->kernel.sessions, rig->receivers[below(dice, RIG_LEGS)]);
  leg *leg = pool_get(&rig->kernel.legs, rig->legs[below(dice, RIG_LEGS)]);
  size_t length = packet(dice, bytes, (uint16_t)roll(dice));
  switch (below(dice, 7)) {
    case 0:
      for (int i = 0; i < 20; i++) numbers[i] = (uint16_t)(30000 + below(dice, 4000));
      (void)leg_resend(&rig->kernel, leg, numbers, 20, 20, rig->now, &beyond);
      break;
    case 1:
      (void)kernel_send_rtp(&rig->kernel, session, bytes, length, below(dice, 40), below(dice, 40), rig->now);
      break;
    case 2:
      (void)kernel_send_rtcp(&rig->kernel, session, bytes, length, rig->now);
      break;
    case 3:
      kernel_inject(&rig->kernel, pool_get(&rig->kernel.sessions, rig->publisher), bytes, length, rig->now);
      break;
    case 4:
      leg_set_target(leg, below(dice, 2) == 0 ? rig->stream : (int32_t)roll(dice), 120, 121);
      break;
    case 5:
      leg_set_current(leg, below(dice, 2) == 0 ? rig->stream : NONE, 120, (uint8_t)roll(dice), 1);
      break;
    default:
      ((group *)pool_get(&rig->kernel.groups, rig->group))->to_script = below(dice, 2) == 0;
  }
  kernel_forward(&rig->kernel, rig->now);
  rig_read_events(rig);
}

void fuzz(uint64_t seed, uint64_t count) {
  dice dice = {.state = seed * 0x9e3779b97f4a7c15u + 1};
  uint8_t *bytes = malloc(DATAGRAM_MOST + 64);
  if (bytes == NULL) abort();
  rig *rig = NULL;
  int64_t index = 100;
  uint32_t rtcp_index = 0;
  for (uint64_t each = 0; each < count; each++) {
    /* From time to time all anew, with another codec: nothing may be left behind. */
    if (each % 20000 == 0) {
      if (rig != NULL) rig_close(rig);
      rig = rig_open((codec_kind)below(&dice, CODEC_COUNT));
      index = 100;
    }
    rig->now += below(&dice, 20);
    uint32_t kind = below(&dice, 20);
    if (kind < 12) {
      authentic(&dice, rig, bytes, &index);
    } else if (kind < 15) {
      stray(&dice, rig, bytes);
    } else if (kind < 17) {
      size_t length = noise(&dice, bytes, 1500);
      if (length >= 2) bytes[1] = (uint8_t)(200 + below(&dice, 7));
      if (length >= 1) bytes[0] = (uint8_t)(0x80 | below(&dice, 32));
      rig_datagram(rig, bytes, rig_seal_rtcp(rig, bytes, length, rtcp_index++));
    } else {
      calls(&dice, rig, bytes);
    }
  }
  if (rig != NULL) rig_close(rig);
  free(bytes);
  printf("%" PRIu64 " inputs, seed %" PRIu64 ": none ended the kernel\n", count, seed);
}
