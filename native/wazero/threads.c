// What a thread has of its own.
#define _GNU_SOURCE
#include "otelwasm.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

void otelwasm_call_host(otelwasm_host host, uint32_t number, uint64_t *slots) { host(number, slots); }

// Counted, as it outlives the thread where someone still asks for it.
struct otelwasm_thread {
  atomic_int owners;
  atomic_int ended;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

void otelwasm_release_thread(otelwasm_thread *thread) {
  if (atomic_fetch_sub(&thread->owners, 1) == 1) free(thread);
}

// A worker that is terminated runs none of its JavaScript any more, but it does run this.
static void end_thread(void *value) {
  otelwasm_thread *thread = value;
  atomic_store(&thread->ended, 1);
  otelwasm_release_thread(thread);
}

static void create_key(void) { pthread_key_create(&key, end_thread); }

otelwasm_thread *otelwasm_this_thread(void) {
  pthread_once(&once, create_key);
  otelwasm_thread *thread = pthread_getspecific(key);
  if (thread == NULL) {
    thread = calloc(1, sizeof *thread);
    if (thread == NULL) abort();
    atomic_store(&thread->owners, 1);
    pthread_setspecific(key, thread);
  }
  atomic_fetch_add(&thread->owners, 1);
  return thread;
}

int otelwasm_thread_ended(otelwasm_thread *thread) { return atomic_load(&thread->ended); }

#ifdef __linux__
// Go asks for the bounds of the thread's stack whenever a call comes in on another stack than the one before. The caller's library (koffi) has a stack of
// its own for C code, so that is each call; and on the main thread the answer is found by parsing /proc/self/maps, which takes 200 us. The
// bounds of a thread do not change: they are asked for once. (Linked with --wrap for both functions.)
static _Thread_local struct {
  int known;
  void *address;
  size_t size;
} stack;

int __real_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes);
int __real_pthread_attr_getstack(const pthread_attr_t *attributes, void **address, size_t *size);

int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes) {
  if (stack.known) return 0;
  return __real_pthread_getattr_np(thread, attributes);
}

int __wrap_pthread_attr_getstack(const pthread_attr_t *attributes, void **address, size_t *size) {
  if (!stack.known) {
    if (__real_pthread_attr_getstack(attributes, &stack.address, &stack.size) != 0) {
      stack.address = NULL;
      stack.size = 0;
    }
    stack.known = 1;
  }
  *address = stack.address;
  *size = stack.size;
  return 0;
}
#endif
