#include "events.h"

/* These are read when there is something else to tell, or after a while. */
static bool can_wait(event_kind kind) { return kind == EVENT_ARRIVED || kind == EVENT_SENT; }

uint8_t *event_add(event_buffer *events, event_kind kind, int32_t id, uint32_t length, double now, uint32_t detail,
                   uint32_t detail2, double value) {
  uint32_t total = (uint32_t)(sizeof(event_head) + ((length + 7u) & ~7u));
  if (length > 70000 || total > event_room(events)) {
    events->dropped++;
    return NULL;
  }
  event_head *head = (event_head *)(void *)(events->bytes + events->used);
  if (events->used == 0) events->oldest = now;
  *head = (event_head){.kind = (uint16_t)kind,
                       .count = 1,
                       .total_bytes = total,
                       .id = id,
                       .length = length,
                       .at_ms = now,
                       .detail = detail,
                       .detail2 = detail2,
                       .value = value};
  events->used += total;
  if (!can_wait(kind)) events->urgent = true;
  return (uint8_t *)(head + 1);
}

void event_sent(event_buffer *events, int32_t session, double now, uint16_t number, uint32_t ssrc, double packet_bytes) {
  event_head *run = events->run;
  if (run != NULL && run->id == session && run->detail2 == ssrc && run->value == packet_bytes && run->at_ms == now &&
      run->count < UINT16_MAX && (uint16_t)(run->detail + run->count) == number) {
    run->count++;
    return;
  }
  uint8_t *after = event_add(events, EVENT_SENT, session, 0, now, number, ssrc, packet_bytes);
  events->run = after == NULL ? NULL : (event_head *)(void *)after - 1;
}
