package proof

import "github.com/eventseal/eventseal/wasm/code"

// write makes the report, in canonical form. Members about a part that could
// not be read are left out.
//
//go:noinline
func (v *Verifier) write(c code.Code, hasRecord, hasReceipt bool) {
	e, r, o := &v.event, &v.receipt, &v.report
	o.Begin()
	if hasReceipt {
		o.Uint("admitted_at", r.AdmittedAt)
	}
	if v.is(partAnchor) && v.known[partAnchor] == needsChain {
		a := &v.anchor
		o.Open("anchor")
		o.Text("block_id", a.at[anchorBlockID])
		o.JSON("block_num", a.at[anchorBlockNum])
		o.Text("chain_id", a.at[anchorChain])
		o.Text("contract", a.at[anchorContract])
		o.JSON("seq", a.at[anchorSeq])
		o.JSON("size", a.at[anchorSize])
		o.Text("time", a.at[anchorTime])
		o.Text("transaction_id", a.id.AppendHex(v.text[:0]))
		o.End()
	}
	if hasRecord {
		o.Text("author", e.Author)
	}
	said := ""
	if c != code.OK {
		said = c.String()
	}
	o.Word("code", said)
	if hasRecord {
		o.Text("hash", e.Hash.AppendHex(v.text[:0]))
	}
	if hasReceipt {
		o.Text("key", r.Key.AppendText(v.text[:0]))
		o.Text("log", r.LogText)
		o.Text("origin", r.Log.Name)
	}
	o.Open("parts")
	v.part("anchor", partAnchor)
	v.part("checkpoint", partCheckpoint)
	v.part("cosignatures", partCosignatures)
	v.part("keys", partKeys)
	v.part("path", partPath)
	v.part("receipt", partReceipt)
	v.part("record", partRecord)
	o.End()
	if hasReceipt {
		o.Uint("sequence", r.Sequence)
	}
	if v.is(partPath) && v.known[partPath] == valid {
		o.Uint("size", v.checkpoint.Size)
	}
	if hasRecord {
		o.Text("type", e.Type)
	}
	o.Bool("valid", c == code.OK)
	o.Uint("witnesses", v.witnesses)
	o.End()
}

//go:noinline
func (v *Verifier) part(name string, part int) {
	said := v.known[part]
	if !v.is(part) {
		said = v.parts[part].String()
	}
	v.report.Word(name, said)
}
