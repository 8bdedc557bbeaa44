#include "replay.h"

void replay_init(replay_window *window, uint16_t size) {
  window->newest = -1;
  window->size = size;
  memset(window->seen, 0, sizeof window->seen);
}

bool replay_check(const replay_window *window, int64_t index) {
  if (index < 0) return false;
  if (index > window->newest) return true;
  if (index <= window->newest - window->size) return false;
  uint32_t at = (uint32_t)(index & (window->size - 1));
  return (window->seen[at >> 3] & (1u << (at & 7))) == 0;
}

void replay_commit(replay_window *window, int64_t index) {
  uint32_t mask = (uint32_t)window->size - 1;
  if (index > window->newest) {
    int64_t ahead = index - window->newest;
    if (ahead >= window->size) {
      memset(window->seen, 0, sizeof window->seen);
    } else {
      for (int64_t each = window->newest + 1; each < index; each++) {
        uint32_t at = (uint32_t)each & mask;
        window->seen[at >> 3] &= (uint8_t)~(1u << (at & 7));
      }
    }
    window->newest = index;
  }
  uint32_t at = (uint32_t)index & mask;
  window->seen[at >> 3] |= (uint8_t)(1u << (at & 7));
}

int64_t sequence_extend(int64_t newest, uint16_t sequence_number) {
  if (newest < 0) return sequence_number;
  return newest + sequence_distance(sequence_number, (uint16_t)newest);
}
