package main

/*
#include "otelwasm.h"
*/
import "C"

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// client is what one thread's runtime has: its modules and instances go with it.
type client struct {
	options options
	thread  *C.otelwasm_thread

	mu        sync.Mutex
	closed    bool
	modules   map[uint32]*module
	instances map[uint32]*instance
}

// table gives numbers to things, which are never used again. Looking one up takes no lock.
type table[T any] struct {
	mu   sync.Mutex
	last uint32
	all  atomic.Pointer[map[uint32]T]
}

func (t *table[T]) get(number uint32) (value T, ok bool) {
	if all := t.all.Load(); all != nil {
		value, ok = (*all)[number]
	}
	return
}

func (t *table[T]) add(value T) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	number := t.last
	t.change(func(all map[uint32]T) { all[number] = value })
	return number
}

func (t *table[T]) remove(number uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.change(func(all map[uint32]T) { delete(all, number) })
}

func (t *table[T]) change(edit func(map[uint32]T)) {
	next := map[uint32]T{}
	if all := t.all.Load(); all != nil {
		next = maps.Clone(*all)
	}
	edit(next)
	t.all.Store(&next)
}

func (t *table[T]) list() map[uint32]T {
	if all := t.all.Load(); all != nil {
		return *all
	}
	return nil
}

var (
	clients   table[*client]
	modules   table[*module]
	instances table[*instance]
	// mapped counts the bytes of addresses that linear memories have.
	mapped atomic.Int64
)

func openClient(o options) uint32 {
	sweep()
	return clients.add(&client{
		options:   o,
		thread:    C.otelwasm_this_thread(),
		modules:   map[uint32]*module{},
		instances: map[uint32]*instance{},
	})
}

// sweep closes what threads had that have ended without closing it: terminated workers.
func sweep() {
	for number, c := range clients.list() {
		if C.otelwasm_thread_ended(c.thread) != 0 {
			c.close(number)
		}
	}
}

// keep gives the client a number for a module that it is an owner of; 0 if it was closed meanwhile.
func (c *client) keep(m *module) uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		m.release()
		return 0
	}
	number := modules.add(m)
	c.modules[number] = m
	return number
}

// adopt makes the client an owner of what another one compiled; 0 if that is gone.
func (c *client) adopt(number uint32) uint32 {
	m, ok := modules.get(number)
	if !ok || !m.adopt() {
		return 0
	}
	return c.keep(m)
}

func (c *client) release(number uint32) {
	c.mu.Lock()
	m, ok := c.modules[number]
	delete(c.modules, number)
	c.mu.Unlock()
	if ok {
		modules.remove(number)
		m.release()
	}
}

// newInstance makes an instance, which has yet to be instantiated; 0 if the client or the module is closed.
func (c *client) newInstance(module uint32, hosts hosts, timeout time.Duration) uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.modules[module]
	if !ok || !m.adopt() {
		return 0
	}
	i := newInstance(m, hosts, timeout)
	number := instances.add(i)
	c.instances[number] = i
	return number
}

func (c *client) closeInstance(number uint32) {
	c.mu.Lock()
	i, ok := c.instances[number]
	delete(c.instances, number)
	c.mu.Unlock()
	if ok {
		instances.remove(number)
		i.close()
	}
}

func (c *client) close(number uint32) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	all, owned := c.instances, c.modules
	c.instances, c.modules = nil, nil
	c.mu.Unlock()
	clients.remove(number)
	ended := C.otelwasm_thread_ended(c.thread) != 0
	for number, i := range all {
		instances.remove(number)
		if ended {
			i.depth = 0
		}
		i.close()
	}
	for number, m := range owned {
		modules.remove(number)
		m.release()
	}
	C.otelwasm_release_thread(c.thread)
}
