package testvectors

import (
	"bytes"

	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/proof"
	"github.com/eventseal/eventseal/wasm/receipt"
)

var (
	verifier = &proof.Verifier{Parser: parser}
	receipts receipt.Parser
	promise  receipt.Receipt
)

func nativeProofs(op string, in *In) (*Out, error) {
	switch op {
	case "verify_proof":
		parser.MaxBytes = in.MaxBytes
		parser.Forget()
		report, c := verifier.Verify(in.Text, []byte(in.Trust))
		if report == nil {
			return nil, &code.Error{Code: c, Pointer: string(verifier.Pointer())}
		}
		return &Out{Text: bytes.Clone(report)}, nil
	case "verify_receipt":
		if c := receipts.Read(in.Text, &promise); c != code.OK {
			return nil, &code.Error{Code: c, Pointer: string(receipts.Pointer())}
		}
		var o canon.Object
		promise.Report(&o)
		return &Out{Text: Text(o)}, nil
	case "sign_receipt":
		var priv key.Private
		if c := key.ParsePrivate(&priv, []byte(in.Private)); c != code.OK {
			return nil, refused(c)
		}
		if c := receipts.Sign(in.Text, &priv, &promise); c != code.OK {
			return nil, &code.Error{Code: c, Pointer: string(receipts.Pointer())}
		}
		return &Out{Text: promise.AppendSigned(nil)}, nil
	}
	return nil, errNoSuchOp
}
