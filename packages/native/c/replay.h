/* Refuses what was received before or is too old to know. RFC 3711 section 3.3.2. Check before the authentication,
 * commit after it: a forged packet must not move the window. */
#ifndef LODELINE_REPLAY_H
#define LODELINE_REPLAY_H

#include "bytes.h"

enum { REPLAY_RTP = 1024, REPLAY_RTCP = 128, REPLAY_SEEN = 2048, REPLAY_MOST = REPLAY_SEEN };

typedef struct {
  int64_t newest; /* -1 before the first */
  uint16_t size;  /* packets, a power of two up to REPLAY_MOST */
  uint8_t seen[REPLAY_MOST / 8];
} replay_window;

void replay_init(replay_window *window, uint16_t size);
bool replay_check(const replay_window *window, int64_t index);
void replay_commit(replay_window *window, int64_t index);

/* The extended number nearest to the newest; the number itself before the first. */
int64_t sequence_extend(int64_t newest, uint16_t sequence_number);

#endif
