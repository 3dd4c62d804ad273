package main

/*
#include <stdlib.h>
#include "otelwasm.h"
*/
import "C"

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// instance is used by the thread that made it; `interrupt` alone is for others.
type instance struct {
	module  *module
	hosts   hosts
	timeout time.Duration
	cells   *C.otelwasm_cells
	slots   []uint64
	memory  *linearMemory
	ctx     context.Context

	instantiated api.Module
	functions    []*function
	// depth counts the calls that wait for a host function.
	depth   int
	closing bool
	// lastError is the text of the call that failed last.
	lastError string
	timer     *time.Timer

	// mu guards what other threads touch.
	mu sync.Mutex
	// closed is wazero's own mark on the instance: compiled code looks at it where a guest could go on for ever.
	closed *atomic.Uint64
	// interrupted stays: the instance is of no use any more.
	interrupted bool
	// deadline is that of the call which runs; zero if none does.
	deadline time.Time
}

// hosts is how the instance's imported functions are called.
type hosts struct {
	call C.otelwasm_host
	// done is of the thread's: the last call has returned. It is written back to 0, so that a call around it does not take it for its own.
	done *C.uint32_t
	// numbers are those of the module's imported functions, in their order.
	numbers []C.uint32_t
}

// function is an export. wazero's functions are not for calls within their own calls: there is one for each depth.
type function struct {
	name    string
	params  []api.ValueType
	atDepth []api.Function
}

// callContext carries the instance to its host functions.
type callContext struct {
	context.Context
	inst *instance
}

const cellsHeader = int(unsafe.Sizeof(C.otelwasm_cells{}))

// interruptedMark is an exit code of 1; the lowest bit says that wazero has nothing to free.
const interruptedMark = 1 | uint64(1)<<32

func newInstance(m *module, hosts hosts, timeout time.Duration) *instance {
	cells := (*C.otelwasm_cells)(C.calloc(1, C.size_t(cellsHeader+8*m.slots)))
	cells.slot_count = C.uint64_t(m.slots)
	i := &instance{
		module:  m,
		hosts:   hosts,
		timeout: timeout,
		cells:   cells,
		slots:   unsafe.Slice((*uint64)(unsafe.Add(unsafe.Pointer(cells), cellsHeader)), m.slots),
	}
	i.ctx = &callContext{context.Background(), i}
	return i
}

func (i *instance) showMemory(memory []byte) {
	if len(memory) > 0 {
		i.cells.base = C.uint64_t(uintptr(unsafe.Pointer(&memory[0])))
	}
	i.cells.size = C.uint64_t(len(memory))
}

// instantiate runs the module's start function, if it has one.
func (i *instance) instantiate() error {
	if i.module.unlinkable != nil {
		return i.module.unlinkable
	}
	ctx := experimental.WithMemoryAllocator(i.ctx, i)
	ctx = experimental.WithImportResolver(ctx, func(name string) api.Module { return i.module.imported[name] })
	// Without a name there may be many; and no function is run because of its name.
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	instantiated, err := i.module.runtime.InstantiateModule(ctx, i.module.compiled, config)
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.instantiated = instantiated
	i.closed = reflect.ValueOf(instantiated).Elem().FieldByName("Closed").Addr().Interface().(*atomic.Uint64)
	if i.interrupted {
		i.closed.Store(interruptedMark)
	}
	return nil
}

// function gives the number of an export, -1 if there is none.
func (i *instance) function(name string) int {
	if i.instantiated == nil {
		return -1
	}
	exported := i.instantiated.ExportedFunction(name)
	if exported == nil {
		return -1
	}
	i.functions = append(i.functions, &function{name: name, params: exported.Definition().ParamTypes()})
	return len(i.functions) - 1
}

// call calls an export with the parameters in the slots, and leaves its results there.
func (i *instance) call(number int) error {
	if number >= len(i.functions) || i.closing {
		return failure{kindClosed, ""}
	}
	exported, depth := i.functions[number], i.depth
	for len(exported.atDepth) <= depth {
		exported.atDepth = append(exported.atDepth, i.instantiated.ExportedFunction(exported.name))
	}
	if !i.begin() {
		return failure{kindDeadline, ""}
	}
	returned := false
	defer func() {
		if !returned {
			// Where the stack was exhausted it holds a hundred megabytes.
			exported.atDepth = exported.atDepth[:depth]
		}
	}()
	defer i.end()
	clearUpper(i.slots, exported.params)
	err := exported.atDepth[depth].CallWithStack(i.ctx, i.slots)
	returned = err == nil
	if err != nil && i.stopped() {
		return failure{kindDeadline, ""}
	}
	return err
}

// begin says whether the call may run.
func (i *instance) begin() bool {
	i.depth++
	if i.depth > 1 {
		return true
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.interrupted {
		i.depth--
		return false
	}
	if i.timeout > 0 {
		i.deadline = time.Now().Add(i.timeout)
		if i.timer == nil {
			i.timer = time.AfterFunc(i.timeout, i.expire)
		} else {
			i.timer.Reset(i.timeout)
		}
	}
	return true
}

func (i *instance) end() {
	i.depth--
	if i.depth > 0 {
		return
	}
	if i.timeout > 0 {
		i.timer.Stop()
		i.mu.Lock()
		i.deadline = time.Time{}
		i.mu.Unlock()
	}
	if i.closing {
		i.free()
	}
}

// expire is the timer's, which may come late: then another call runs, or none.
func (i *instance) expire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.deadline.IsZero() && !time.Now().Before(i.deadline) {
		i.mark()
	}
}

// interrupt ends the call that runs, or the next one. Any thread may.
func (i *instance) interrupt() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.mark()
}

func (i *instance) mark() {
	i.interrupted = true
	if i.closed != nil {
		i.closed.Store(interruptedMark)
	}
}

func (i *instance) stopped() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.interrupted
}

// close frees the instance, when its calls have returned.
func (i *instance) close() {
	i.closing = true
	if i.depth == 0 {
		i.free()
	}
}

func (i *instance) free() {
	if i.cells == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.instantiated != nil {
		i.closed.Store(0)
		_ = i.instantiated.Close(context.Background())
	}
	i.memory.unmap()
	C.free(unsafe.Pointer(i.cells))
	i.cells, i.slots = nil, nil
	i.module.release()
}

// hostFunction is what a guest imports.
type hostFunction struct {
	index   uint32
	params  int
	results []api.ValueType
}

var _ api.GoModuleFunction = hostFunction{}

// Call implements api.GoModuleFunction.
func (f hostFunction) Call(ctx context.Context, _ api.Module, stack []uint64) {
	i := ctx.(*callContext).inst
	copy(i.slots, stack[:f.params])
	hosts := &i.hosts
	C.otelwasm_call_host(hosts.call, hosts.numbers[f.index], (*C.uint64_t)(&i.slots[0]))
	if *hosts.done == 0 {
		panic(failure{kindHost, ""})
	}
	*hosts.done = 0
	copy(stack, i.slots[:len(f.results)])
	clearUpper(stack, f.results)
	if i.closed != nil && i.closed.Load() != 0 {
		panic(failure{kindDeadline, ""})
	}
}

// clearUpper clears what the caller left in the upper halves of values that have 32 bits: wazero's interpreter reads them, too.
func clearUpper(slots []uint64, types []api.ValueType) {
	for index, t := range types {
		if t == api.ValueTypeI32 || t == api.ValueTypeF32 {
			slots[index] = uint64(uint32(slots[index]))
		}
	}
}
