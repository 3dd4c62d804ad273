package main

import (
	"errors"
	"fmt"
)

// kind is what the C interface says of a failure, beside its text.
type kind int32

const (
	kindNone kind = iota
	// kindTrap is a trap of the guest: the first line of the text is wazero's name for it.
	kindTrap
	// kindHost is a host function that did not return.
	kindHost
	kindDeadline
	// kindClosed is a number that nothing goes by any more.
	kindClosed
	kindInvalid
	kindLink
	// kindMemory is memory that cannot be had.
	kindMemory
	kindCache
	// kindInternal is a panic of wazero or of this library.
	kindInternal
)

// failure is an error of a kind.
type failure struct {
	kind kind
	text string
}

func (f failure) Error() string { return f.text }

// classify gives the kind of an error, `otherwise` if it does not say.
func classify(err error, otherwise kind) failure {
	var f failure
	if errors.As(err, &f) {
		if f.text == "" {
			f.text = err.Error()
		}
		return f
	}
	return failure{otherwise, err.Error()}
}

// recovered is a panic's value as an error. To let it go would end the process.
func recovered(value any) failure {
	if f, ok := value.(failure); ok {
		return f
	}
	return failure{kindInternal, fmt.Sprint(value)}
}
