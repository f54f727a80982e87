package antelope

import (
	"errors"
	"fmt"
	"strings"
)

// The codes of nodeos that mean something here (its exceptions.hpp).
const (
	CodeExpired      = 3040005 // the transaction's expiration is before the block's time
	CodeReference    = 3040007 // the block that it refers to is not of this branch, or too old
	CodeDuplicate    = 3040008 // the node knows the transaction
	CodeAssert       = 3050003 // the contract refuses it
	CodeDeadline     = 3080006 // the node was too busy
	CodeLeeway       = 3081001 // the node was too busy, or does not want to spend so much
	CodeUnknownBlock = 3100002 // the node does not have, or does not keep, the block
)

// An Error is what a node says of a call that it has understood.
type Error struct {
	Status int    // of HTTP
	Code   int    // nodeos'; 0: there is no such call
	Name   string // of the exception
	What   string // in words
	Detail string // what exactly
}

func (e *Error) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("HTTP status %d", e.Status)
	}
	text := e.Detail
	if text == "" {
		text = e.What
	}
	return fmt.Sprintf("%s (%d)", strings.TrimSpace(text), e.Code)
}

// Refused reports whether an error of Node.Send is the chain's own word on the
// transaction: as things are it does not take it, whichever node is asked. Any
// other error leaves open whether the transaction was, or will be, taken.
func Refused(err error) bool {
	var e *Error
	return errors.As(err, &e) && ofChain(e.Code)
}

// Unserved reports whether a node does not have what it was asked for, though
// others may: an old block.
func Unserved(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == CodeUnknownBlock || e.Code == 0)
}

// ofChain reports whether a code speaks of the transaction by the rules of the
// chain, and not of the node: that it is busy, full, not fit, or set so.
func ofChain(code int) bool {
	switch code {
	case 3040012, 3040018, // more at once than the node wants
		3080003, 3080005, // the block that it makes is full
		CodeDeadline, 3080007, 3080008, CodeLeeway:
		return false
	}
	switch code / 10_000 {
	case 301, 304, 305, 307, 308, 309, // types, transaction, action, wasm, resources, authority
		316, 321, 323: // what a contract does, limits of accounts
		return true
	case 306: // what is not there; from 3060100 on the node's own storage
		return code < 3060100
	}
	return false
}

var (
	// ErrChain: a node is one of another chain.
	ErrChain = errors.New("antelope: the node is of another chain")
	// ErrBehind: a node is behind what others have told.
	ErrBehind = errors.New("antelope: the node is out of sync")
)

// A fault is a node's: another one may do better.
type fault struct {
	endpoint string // its host
	err      error
}

func (f *fault) Error() string { return f.endpoint + ": " + f.err.Error() }
func (f *fault) Unwrap() error { return f.err }
