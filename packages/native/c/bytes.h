/* Big-endian numbers in packets, and the few macros that every file wants. */
#ifndef LODELINE_BYTES_H
#define LODELINE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t read_u16(const uint8_t *at) { return (uint16_t)((at[0] << 8) | at[1]); }

static inline uint32_t read_u32(const uint8_t *at) {
  return ((uint32_t)at[0] << 24) | ((uint32_t)at[1] << 16) | ((uint32_t)at[2] << 8) | at[3];
}

static inline void write_u16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static inline void write_u32(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 24);
  at[1] = (uint8_t)(value >> 16);
  at[2] = (uint8_t)(value >> 8);
  at[3] = (uint8_t)value;
}

/* How far a is ahead of b on the 16-bit circle. RFC 1982. */
static inline int32_t sequence_distance(uint16_t a, uint16_t b) { return (int16_t)(uint16_t)(a - b); }

/* How far a is ahead of b on the 32-bit circle. */
static inline int32_t timestamp_distance(uint32_t a, uint32_t b) { return (int32_t)(a - b); }

#endif
