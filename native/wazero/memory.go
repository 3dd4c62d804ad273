package main

import (
	"fmt"
	"syscall"

	"github.com/tetratelabs/wazero/experimental"
)

// linearMemory reserves addresses for all that the memory may grow to, so that it never moves: the host has a view of it. Only what it has grown to can
// be read and written.
type linearMemory struct {
	inst     *instance
	reserved []byte
	size     uint64
}

var _ experimental.MemoryAllocator = (*instance)(nil)

// Allocate implements experimental.MemoryAllocator.
func (i *instance) Allocate(_, max uint64) experimental.LinearMemory {
	m := &linearMemory{inst: i}
	if max > 0 {
		reserved, err := syscall.Mmap(-1, 0, int(max), syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			panic(failure{kindMemory, fmt.Sprintf("cannot reserve %d bytes of addresses: %v", max, err)})
		}
		m.reserved = reserved
		mapped.Add(int64(max))
	}
	i.memory = m
	return m
}

// Reallocate implements experimental.LinearMemory.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.reserved)) {
		return nil
	}
	if size > m.size {
		if err := syscall.Mprotect(m.reserved[m.size:size], syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
			if m.size == 0 {
				panic(failure{kindMemory, fmt.Sprintf("cannot have %d bytes: %v", size, err)})
			}
			return nil
		}
		m.size = size
	}
	m.inst.showMemory(m.reserved[:size])
	return m.reserved[:size]
}

// Free implements experimental.LinearMemory. wazero calls it where it finds that the module was closed, when the host may still have a view: the
// memory goes with the instance.
func (m *linearMemory) Free() {}

func (m *linearMemory) unmap() {
	if m == nil || m.reserved == nil {
		return
	}
	mapped.Add(-int64(len(m.reserved)))
	_ = syscall.Munmap(m.reserved)
	m.reserved = nil
}
