package main

import (
	"encoding/binary"
	"fmt"
)

const (
	// maxLocals is what other engines allow a function.
	maxLocals = 50_000
	// maxAllLocals is for all functions of a module together: wazero has eight bytes for each from the beginning.
	maxAllLocals = 10_000_000
)

// sections with a vector, and those whose content is one number.
const (
	sectionCustom    = 0
	sectionStart     = 8
	sectionCode      = 10
	sectionDataCount = 12
)

// expectModest refuses a module that says that it has more than there are bytes for, or a billion local variables in six of them: wazero allocates what a
// module claims before it looks, and a few bytes would be the end of the process.
// What is inside of the other sections' elements is limited in wazero (patches.ts).
func expectModest(module []byte) error {
	r := reader{module}
	r.skip(8)
	locals := uint64(0)
	for len(r.left) > 0 {
		id := r.left[0]
		r.skip(1)
		section := reader{r.part(r.u32())}
		switch id {
		case sectionCustom, sectionStart, sectionDataCount:
			continue
		}
		count := section.u32()
		if count > uint64(len(section.left)) {
			return failure{kindInvalid, fmt.Sprintf("section %d has %d bytes for %d elements", id, len(section.left), count)}
		}
		if id != sectionCode {
			continue
		}
		for ; count > 0; count-- {
			body := reader{section.part(section.u32())}
			function := uint64(0)
			for groups := body.u32(); groups > 0 && len(body.left) > 0; groups-- {
				function += body.u32()
				if t := body.byte(); t == 0x63 || t == 0x64 {
					// A reference to a type; its number has no more bytes than one of 32 bits.
					body.u32()
				}
			}
			if locals += function; function > maxLocals || locals > maxAllLocals {
				return failure{kindInvalid, fmt.Sprintf("a function has %d local variables, all so far %d; the limits are %d and %d", function, locals, maxLocals, maxAllLocals)}
			}
		}
	}
	return nil
}

// reader passes over a part of a module. Where that ends too soon it gives nothing: wazero will say what is wrong.
type reader struct{ left []byte }

func (r *reader) skip(size uint64) { r.left = r.left[min(size, uint64(len(r.left))):] }

func (r *reader) part(size uint64) []byte {
	part := r.left[:min(size, uint64(len(r.left)))]
	r.skip(size)
	return part
}

func (r *reader) byte() byte {
	if len(r.left) == 0 {
		return 0
	}
	b := r.left[0]
	r.skip(1)
	return b
}

func (r *reader) u32() uint64 {
	value, size := binary.Uvarint(r.left)
	if size <= 0 {
		r.left = nil
		return 0
	}
	r.skip(uint64(size))
	return value
}
