// Package sockets listens on a TCP port under WASI preview 1 with the socket extension of WasmEdge (its second version). The standard library
// does the rest: it accepts from, reads and writes any descriptor that the host calls a stream socket.
package sockets

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"
)

const (
	inet4       = 1
	inet6       = 2
	stream      = 2
	socketLevel = 0
	reuseAddr   = 0
	backlog     = 128
)

// Where an address's bytes are: pointers of the host have 32 bits, those of Go in memory 64. What comes from the host begins with the
// family, in 16 bits.
type address struct {
	bytes uint32
	size  uint32
}

// What is pointed at by number must not move, as what is on a goroutine's stack may.
var (
	raw     [128]byte
	pointer address
)

func point(size int) unsafe.Pointer {
	pointer = address{uint32(uintptr(unsafe.Pointer(&raw))), uint32(size)}
	return unsafe.Pointer(&pointer)
}

// Listen listens on an address as `127.0.0.1:4318`; port 0 is any free one. It answers the address that it got, too. Not for several
// goroutines at once.
func Listen(hostPort string) (net.Listener, netip.AddrPort, error) {
	want, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return nil, want, err
	}
	family := int32(inet4)
	if want.Addr().Is6() {
		family = inet6
	}
	var fd int32
	if errno := sockOpen(family, stream, unsafe.Pointer(&fd)); errno != 0 {
		return nil, want, fmt.Errorf("sock_open: %w", errno)
	}
	file := os.NewFile(uintptr(fd), hostPort)
	// The listener shares the descriptor, and goes on with it.
	defer file.Close()
	got, err := bind(fd, want)
	if err != nil {
		return nil, want, fmt.Errorf("listen on %s: %w", hostPort, err)
	}
	listener, err := net.FileListener(file)
	return listener, got, err
}

func bind(fd int32, want netip.AddrPort) (netip.AddrPort, error) {
	yes := int32(1)
	if errno := sockSetsockopt(fd, socketLevel, reuseAddr, unsafe.Pointer(&yes), 4); errno != 0 {
		return want, fmt.Errorf("sock_setsockopt: %w", errno)
	}
	if errno := sockBind(fd, point(copy(raw[:], want.Addr().AsSlice())), int32(want.Port())); errno != 0 {
		return want, fmt.Errorf("sock_bind: %w", errno)
	}
	if errno := sockListen(fd, backlog); errno != 0 {
		return want, fmt.Errorf("sock_listen: %w", errno)
	}
	if err := syscall.SetNonblock(int(fd), true); err != nil {
		return want, fmt.Errorf("fd_fdstat_set_flags: %w", err)
	}
	var port int32
	if errno := sockGetlocaladdr(fd, point(len(raw)), unsafe.Pointer(&port)); errno != 0 {
		return want, fmt.Errorf("sock_getlocaladdr: %w", errno)
	}
	size := 4
	if raw[0] == inet6 {
		size = 16
	}
	ip, _ := netip.AddrFromSlice(raw[2 : 2+size])
	return netip.AddrPortFrom(ip, uint16(port)), nil
}

//go:wasmimport wasi_snapshot_preview1 sock_open
//go:noescape
func sockOpen(family, kind int32, fd unsafe.Pointer) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_bind
//go:noescape
func sockBind(fd int32, address unsafe.Pointer, port int32) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_listen
//go:noescape
func sockListen(fd, backlog int32) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_setsockopt
//go:noescape
func sockSetsockopt(fd, level, name int32, value unsafe.Pointer, size uint32) syscall.Errno

//go:wasmimport wasi_snapshot_preview1 sock_getlocaladdr
//go:noescape
func sockGetlocaladdr(fd int32, address, port unsafe.Pointer) syscall.Errno
