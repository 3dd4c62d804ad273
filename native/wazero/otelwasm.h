// What the C files and cgo share.
#ifndef OTELWASM_H
#define OTELWASM_H

#include <stdint.h>

// What the owner of an instance reads and writes without a call: where the linear memory is, and the slots that parameters and results pass through.
typedef struct {
  uint64_t base;        // address of the linear memory; it does not move
  uint64_t size;        // of the linear memory, in bytes
  uint64_t slot_count;  // as many as the function with the most parameters or results needs
  uint64_t slots[];
} otelwasm_cells;

// Calls a host function, by the number that it was given when the instance was made. Its parameters are in the slots, and its results go there. It writes 1
// to the instance's `done` as the last thing; without that the guest traps.
typedef void (*otelwasm_host)(uint32_t number, uint64_t *slots);

void otelwasm_call_host(otelwasm_host host, uint32_t number, uint64_t *slots);

// The calling thread, which is known to have ended (`otelwasm_thread_ended`) until the pointer is given back.
typedef struct otelwasm_thread otelwasm_thread;
otelwasm_thread *otelwasm_this_thread(void);
int otelwasm_thread_ended(otelwasm_thread *thread);
void otelwasm_release_thread(otelwasm_thread *thread);

#endif
