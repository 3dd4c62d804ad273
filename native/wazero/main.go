// The C interface of wazero for otelwasm, built with -buildmode=c-shared. Calls may come from any thread; each client, and what it has, belongs to one.
//
// Numbers of clients, modules and instances begin at 1 and are not used again. Where a number is asked for, 0 or a negative one says that it failed:
// then the buffer `text` (of `size` bytes) has the reason, and its length is in the first four bytes.
package main

/*
#include "otelwasm.h"
*/
import "C"

import (
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/cpu"
)

func main() {}

func init() {
	// A guest has one of Go's processors while it runs, and whoever wants to interrupt it needs one, too.
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), 16))
}

// tell writes a text, cut where it does not fit, with its length before it.
func tell(text string, to *C.char, size C.size_t) {
	buffer := unsafe.Slice((*byte)(unsafe.Pointer(to)), int(size))
	n := copy(buffer[4:], text)
	binary.LittleEndian.PutUint32(buffer, uint32(n))
}

// recipe says what the library was made from; set when it is built.
var recipe = "unknown"

// otelwasm_describe tells in a line each: wazero's version, what the library was made from, and what the code that it compiles depends on.
//
//export otelwasm_describe
func otelwasm_describe(text *C.char, size C.size_t) {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == "github.com/tetratelabs/wazero" {
				version = strings.TrimPrefix(dependency.Version, "v")
			}
		}
	}
	target := []string{runtime.GOOS, runtime.GOARCH}
	for _, feature := range []struct {
		name string
		has  bool
	}{
		{"sse4.1", cpu.X86.HasSSE41},
		{"bmi1", cpu.X86.HasBMI1},
		{"bmi2", cpu.X86.HasBMI2},
		{"popcnt", cpu.X86.HasPOPCNT},
		{"atomics", cpu.ARM64.HasATOMICS},
	} {
		if feature.has {
			target = append(target, feature.name)
		}
	}
	tell(version+"\n"+recipe+"\n"+strings.Join(target, " "), text, size)
}

//export otelwasm_open
func otelwasm_open(interpreter, interruptible C.int32_t) C.uint32_t {
	return C.uint32_t(openClient(options{interpreter: interpreter != 0, interruptible: interruptible != 0}))
}

// otelwasm_close closes all that the client has. Its calls must have returned.
//
//export otelwasm_close
func otelwasm_close(number C.uint32_t) {
	if c, ok := clients.get(uint32(number)); ok {
		c.close(uint32(number))
	}
	sweep()
}

// otelwasm_compile compiles a module, on whatever thread. folder is where wazero keeps what it compiles, or finds it; of length 0 for none. The
// result is the module's number, or the negative kind of the failure.
//
//export otelwasm_compile
func otelwasm_compile(client C.uint32_t, code *C.uint8_t, codeSize C.size_t, folder *C.char, folderSize C.size_t, text *C.char, size C.size_t) (result C.int32_t) {
	defer failing(&result, text, size)
	c, ok := clients.get(uint32(client))
	if !ok {
		return -C.int32_t(kindClosed)
	}
	// wazero keeps parts of what it decodes, and the caller's bytes are its own.
	binary := C.GoBytes(unsafe.Pointer(code), C.int(codeSize))
	m, err := compile(c.options, binary, C.GoStringN(folder, C.int(folderSize)))
	if err != nil {
		panic(classify(err, kindInvalid))
	}
	number := c.keep(m)
	if number == 0 {
		return -C.int32_t(kindClosed)
	}
	return C.int32_t(number)
}

// otelwasm_adopt makes the client an owner of a module that another client has. 0 if that is gone.
//
//export otelwasm_adopt
func otelwasm_adopt(client, module C.uint32_t) C.uint32_t {
	c, ok := clients.get(uint32(client))
	if !ok {
		return 0
	}
	return C.uint32_t(c.adopt(uint32(module)))
}

//export otelwasm_release
func otelwasm_release(client, module C.uint32_t) {
	if c, ok := clients.get(uint32(client)); ok {
		c.release(uint32(module))
	}
}

// otelwasm_new makes an instance that is yet to be instantiated, of a module that the client owns. numbers are those of its imported functions, for
// host; done is the cell of the thread that host writes to. timeout is the milliseconds that each call may take, 0 for no limit. 0 if the client or the
// module is closed.
//
//export otelwasm_new
func otelwasm_new(client, module C.uint32_t, host C.otelwasm_host, done, numbers *C.uint32_t, count C.size_t, timeout C.double) C.uint32_t {
	sweep()
	c, ok := clients.get(uint32(client))
	if !ok {
		return 0
	}
	hosts := hosts{host, done, append([]C.uint32_t{}, unsafe.Slice(numbers, int(count))...)}
	return C.uint32_t(c.newInstance(uint32(module), hosts, time.Duration(float64(timeout)*float64(time.Millisecond))))
}

// otelwasm_cells_of tells where the instance's otelwasm_cells are, which it has until it is freed.
//
//export otelwasm_cells_of
func otelwasm_cells_of(number C.uint32_t) C.uintptr_t {
	i, ok := instances.get(uint32(number))
	if !ok {
		return 0
	}
	return C.uintptr_t(uintptr(unsafe.Pointer(i.cells)))
}

// otelwasm_instantiate gives 0, or the kind of the failure, whose text otelwasm_error tells.
//
//export otelwasm_instantiate
func otelwasm_instantiate(number C.uint32_t) (result C.int32_t) {
	i, ok := instances.get(uint32(number))
	if !ok {
		return C.int32_t(kindClosed)
	}
	defer func() {
		if r := recover(); r != nil {
			result = i.failed(recovered(r), kindInternal)
		}
	}()
	if err := i.instantiate(); err != nil {
		return i.failed(err, kindTrap)
	}
	return 0
}

// otelwasm_function gives the number of an exported function, -1 if there is none.
//
//export otelwasm_function
func otelwasm_function(number C.uint32_t, name *C.char, size C.size_t) C.int32_t {
	i, ok := instances.get(uint32(number))
	if !ok {
		return -1
	}
	return C.int32_t(i.function(C.GoStringN(name, C.int(size))))
}

// otelwasm_call calls an exported function: parameters and results are in the slots. 0, or the kind of the failure.
//
//export otelwasm_call
func otelwasm_call(number C.uint32_t, function C.uint32_t) (result C.int32_t) {
	i, ok := instances.get(uint32(number))
	if !ok {
		return C.int32_t(kindClosed)
	}
	defer func() {
		if r := recover(); r != nil {
			result = i.failed(recovered(r), kindInternal)
		}
	}()
	if err := i.call(int(function)); err != nil {
		return i.failed(err, kindTrap)
	}
	return 0
}

// otelwasm_error tells why the instance's last call that failed did.
//
//export otelwasm_error
func otelwasm_error(number C.uint32_t, text *C.char, size C.size_t) {
	if i, ok := instances.get(uint32(number)); ok {
		tell(i.lastError, text, size)
		i.lastError = ""
	} else {
		tell("", text, size)
	}
}

// otelwasm_interrupt ends the call that the instance runs, or its next one. Any thread may call it at any time.
//
//export otelwasm_interrupt
func otelwasm_interrupt(number C.uint32_t) {
	if i, ok := instances.get(uint32(number)); ok {
		i.interrupt()
	}
}

// otelwasm_free frees an instance, once its calls have returned.
//
//export otelwasm_free
func otelwasm_free(client, number C.uint32_t) {
	if c, ok := clients.get(uint32(client)); ok {
		c.closeInstance(uint32(number))
	}
}

// otelwasm_counts tells how much there is: clients, modules, instances, goroutines, and bytes of reserved addresses.
//
//export otelwasm_counts
func otelwasm_counts(counts *C.double) {
	sweep()
	to := unsafe.Slice((*float64)(unsafe.Pointer(counts)), 5)
	to[0], to[1], to[2] = float64(len(clients.list())), float64(len(modules.list())), float64(len(instances.list()))
	to[3], to[4] = float64(runtime.NumGoroutine()), float64(mapped.Load())
}

func (i *instance) failed(err error, otherwise kind) C.int32_t {
	f := classify(err, otherwise)
	i.lastError = f.text
	return C.int32_t(f.kind)
}

func failing(result *C.int32_t, text *C.char, size C.size_t) {
	if r := recover(); r != nil {
		f := recovered(r)
		tell(f.text, text, size)
		*result = -C.int32_t(f.kind)
	}
}
