package main

import (
	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/receipt"
)

var (
	receipts receipt.Parser
	promise  receipt.Receipt
)

// sign_receipt(size): a private key's text as a field, then a receipt without
// sig → the signed receipt.
//
//go:wasmexport sign_receipt
func exportSignReceipt(size uint32) uint32 {
	pointer, c := signReceipt(size)
	erase()
	if c != code.OK {
		return answer(c, pointer)
	}
	// The signature's text takes its own time for each: it is written when the
	// key is gone.
	out = promise.AppendSigned(out[:0])
	return answer(code.OK, out)
}

//go:noinline
func signReceipt(size uint32) (pointer []byte, c code.Code) {
	r := reader{rest: taken(size)}
	private := r.field()
	if r.bad {
		return nil, code.InvalidArgument
	}
	if c = key.ParsePrivate(&secret, private); c != code.OK {
		return nil, c
	}
	c = receipts.Sign(r.rest, &secret, &promise)
	return receipts.Pointer(), c
}

// verify_receipt(size): a signed receipt → a report of what it says and of the
// key that signed it.
//
//go:wasmexport verify_receipt
func exportVerifyReceipt(size uint32) uint32 {
	if c := receipts.Read(taken(size), &promise); c != code.OK {
		return answer(c, receipts.Pointer())
	}
	promise.Report((*canon.Object)(&out))
	return answer(code.OK, out)
}
