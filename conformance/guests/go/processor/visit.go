package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"example.com/go-lookup/otelwasm"
)

// visit says what Go's own library makes of the grants: arguments, variables, a directory that may be written, and what is not granted.
func visit(directory string) error {
	say := func(what string, value any) { otelwasm.Log(otelwasm.Info, fmt.Sprintf("visit: %s: %v", what, value)) }
	variables := os.Environ()
	slices.Sort(variables)
	say("arguments", strings.Join(os.Args, " "))
	say("variables", strings.Join(variables, " "))

	below := filepath.Join(directory, "a", "b")
	file := filepath.Join(below, "file")
	moved := filepath.Join(directory, "a", "moved")
	if err := os.MkdirAll(below, 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte("hello"), 0o666); err != nil {
		return err
	}
	if err := extend(file, " world"); err != nil {
		return err
	}
	if err := os.Rename(file, moved); err != nil {
		return err
	}
	content, err := os.ReadFile(moved)
	if err != nil {
		return err
	}
	say("content", string(content))
	tail, err := from(moved, 6)
	if err != nil {
		return err
	}
	say("from 6", tail)
	info, err := os.Stat(moved)
	if err != nil {
		return err
	}
	say("size", info.Size())
	linked, err := os.ReadFile(filepath.Join(directory, "link"))
	if err != nil {
		return err
	}
	say("through a link", string(linked))
	entries, err := os.ReadDir(filepath.Join(directory, "a"))
	if err != nil {
		return err
	}
	var names []string
	for _, entry := range entries {
		names = append(names, fmt.Sprintf("%s %t", entry.Name(), entry.IsDir()))
	}
	slices.Sort(names)
	say("entries", strings.Join(names, ", "))
	if err := os.RemoveAll(filepath.Join(directory, "a")); err != nil {
		return err
	}
	_, err = os.Stat(moved)
	say("gone", errno(err))
	for _, path := range []string{filepath.Join(directory, "outside"), directory + "/../secret", "/etc/passwd"} {
		_, err := os.ReadFile(path)
		say(path, errno(err))
	}
	say("writing in /fixed", errno(os.WriteFile("/fixed/new", nil, 0o666)))
	return nil
}

func extend(path, text string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(text)
	return err
}

func from(path string, offset int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	buffer := make([]byte, 100)
	if _, err := file.Seek(offset, 0); err != nil {
		return "", err
	}
	size, err := file.Read(buffer)
	return string(buffer[:size]), err
}

// errno answers WASI's number of what went wrong, 0 if nothing did.
func errno(err error) int {
	var number syscall.Errno
	if errors.As(err, &number) {
		return int(number)
	}
	return 0
}
