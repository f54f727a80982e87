package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/wasm/code"
)

// Exit statuses. Scripts rely on them.
const (
	statusOK     = 0 // done; valid; healthy
	statusNo     = 1 // invalid, refused, not found, not healthy
	statusUsage  = 2 // wrong use, an unusable file, wrong configuration
	statusFail   = 3 // not now: the host cannot be reached or cannot do it; trying again may help
	statusBroken = 4 // a host has broken a promise that it signed
)

// A saidError ends a command with its status after all has been said.
type saidError int

func (saidError) Error() string { return "see above" }

// errNo is a command whose answer, which was written, is no.
const errNo = saidError(statusNo)

// A usageError is a fault of the command line or of the configuration.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// status returns the exit status that stands for an error.
func status(err error) int {
	var said saidError
	var use *usageError
	var refusal *code.Error
	var path *fs.PathError
	switch {
	case err == nil:
		return statusOK
	case errors.As(err, &said):
		return int(said)
	case errors.As(err, &use):
		return statusUsage
	case errors.As(err, &refusal):
		switch s := refusal.Code.Status(); {
		case s >= 500, s == http.StatusRequestTimeout, s == http.StatusTooManyRequests:
			return statusFail
		}
		return statusNo
	case errors.As(err, &path):
		return statusUsage
	}
	return statusFail
}

// complain writes an error as one message for a person.
func (s *stdio) complain(err error) {
	if errors.As(err, new(saidError)) {
		return
	}
	text := err.Error()
	var refusal *code.Error
	if errors.As(err, &refusal) && refusal.Detail == "" {
		text += ": " + refusal.Code.Title()
	}
	var remote *client.Error
	if errors.As(err, &remote) && remote.Status == 0 {
		text += "; is a host running there? --server or EVENTSEAL_SERVER names another"
	}
	s.say("%s", text)
}

// say writes a message. Nothing in it that looks like a private key gets
// through: people do paste keys where file names belong. Nor does anything that
// a terminal takes for a command: some of it is a server's word.
func (s *stdio) say(format string, args ...any) {
	text := privateKey.ReplaceAllString(fmt.Sprintf(format, args...), "(a private key)")
	text = strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, text)
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintln(s.err, "eventseal:", line)
	}
}

var privateKey = regexp.MustCompile(`PVT_[A-Za-z0-9]+_[A-Za-z0-9]+|\b5[1-9A-HJ-NP-Za-km-z]{40,60}\b`)
