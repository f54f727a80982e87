package chain

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

var compressions = map[string]byte{"none": 0, "zlib": 1}

// maxInflated is nodeos' bound of a transaction that came compressed.
const maxInflated = 1 << 20

// packedTransaction is a transaction as a request has it.
type packedTransaction struct {
	Signatures  []string        `json:"signatures"`
	Compression json.RawMessage `json:"compression"`
	ContextFree string          `json:"packed_context_free_data"`
	Packed      string          `json:"packed_trx"`
}

// read checks what does not need the chain.
func (p *packedTransaction) read() (*signed, *Error) {
	compression := "none"
	switch kind := string(p.Compression); kind {
	case "", "0", `"none"`:
	case "1", `"zlib"`:
		compression = "zlib"
	default:
		return nil, fault(codeCompression, "Unknown transaction compression algorithm")
	}
	switch {
	case p.Packed == "":
		return nil, malformed("packed_trx is missing; a transaction that is not packed is not taken here")
	case p.Signatures == nil:
		return nil, malformed("Missing signatures")
	}
	// A list without an item is as good as none, and compressed like the transaction.
	if free, err := hex.DecodeString(p.ContextFree); err != nil {
		return nil, malformed(err.Error())
	} else if len(free) > 0 {
		if compression == "zlib" {
			free, err = inflate(free)
		}
		if err != nil || len(free) != 1 || free[0] != 0 {
			return nil, malformed("context-free data are not taken here")
		}
	}
	sent, err := hex.DecodeString(p.Packed)
	if err != nil {
		return nil, malformed(err.Error())
	}
	return newSigned(sent, compression, p.Signatures)
}

func malformed(why string) *Error { return fault(codePacked, "Invalid packed transaction: %s", why) }

// newSigned unpacks a transaction and reads its signatures' texts.
func newSigned(sent []byte, compression string, signatures []string) (*signed, *Error) {
	t := &signed{raw: sent, sent: sent, compression: compression, signatures: signatures}
	var err error
	if compression == "zlib" {
		if t.raw, err = inflate(sent); err != nil {
			return nil, fault(codeDecompression, "internal decompression error")
		}
	}
	if t.tx, err = unpack(t.raw); err != nil {
		return nil, malformed(err.Error())
	}
	for _, s := range signatures {
		sig, err := parseText("SIG_K1_", s, 65)
		if err != nil {
			return nil, malformed(err.Error())
		}
		t.sigs = append(t.sigs, sig)
	}
	t.id = sha256.Sum256(t.raw)
	return t, nil
}

func inflate(b []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, maxInflated+1))
	if err == nil && len(out) > maxInflated {
		err = errors.New("more than a transaction may be")
	}
	return out, err
}

// untraced are the refusals of what is looked at before there is a trace to answer.
var untraced = []int64{codeGeneric, codeAssertException, codeExpired, codeDuplicate, codeDuplicateSig}

// push is push_transaction and send_transaction.
func (n *Node) push(body []byte) (any, error) {
	var p packedTransaction
	if err := params(body, &p); err != nil {
		return nil, err
	}
	return n.take(&p, false)
}

// send is send_transaction2.
func (n *Node) send(body []byte) (any, error) {
	p := struct {
		Trace       *bool             `json:"return_failure_trace"`
		Retry       bool              `json:"retry_trx"`
		Transaction packedTransaction `json:"transaction"`
	}{}
	if err := params(body, &p); err != nil {
		return nil, err
	}
	if p.Retry {
		return nil, fault(codeUnsupported, "Transaction retry not enabled on node. transaction-retry-max-storage-size-gb is 0")
	}
	return n.take(&p.Transaction, p.Trace == nil || *p.Trace)
}

// take judges a transaction and keeps it for a block.
func (n *Node) take(p *packedTransaction, trace bool) (any, error) {
	if n.refuse > 0 {
		n.refuse--
		return nil, fault(n.refusal, "the node refuses it")
	}
	t, refused := p.read()
	if refused != nil {
		return nil, refused
	}
	b := n.branch()
	kept, ahead := b.pending, b.ahead
	if n.heads {
		b.ahead = b.state
	}
	o, refused := n.c.accept(b, t)
	if refused != nil {
		b.ahead = ahead
		if trace && !slices.Contains(untraced, refused.Code) {
			return n.answered(t, o, refused), nil
		}
		return nil, refused
	}
	if n.forget > 0 {
		n.forget--
		b.pending, b.ahead = kept, ahead
	} else if n.heads {
		n.c.rejudge(b)
	}
	return n.answered(t, o, nil), nil
}

// answered is what a transaction that was taken is answered with, a trace of what it did.
func (n *Node) answered(t *signed, o outcome, refused *Error) any {
	b := n.branch()
	id := hex.EncodeToString(t.id[:])
	num, when := b.head.num+1, timeText(slotTime(n.c.next(b)))
	traces := []any{}
	for i, a := range o.actions {
		deltas := []object{}
		if a.ram != 0 {
			deltas = append(deltas, object{{"account", n.c.self}, {"delta", a.ram}})
		}
		r := a.receipt
		auth := []any{}
		for _, actor := range a.actors() {
			auth = append(auth, []any{actor, wide(r.auth)})
		}
		traces = append(traces, object{
			{"action_ordinal", i + 1}, {"creator_action_ordinal", 0}, {"closest_unnotified_ancestor_action_ordinal", 0},
			{"receipt", object{
				{"receiver", a.action.account}, {"act_digest", hex.EncodeToString(r.digest[:])}, {"global_sequence", wide(r.global)},
				{"recv_sequence", wide(r.received)}, {"auth_sequence", auth},
				{"code_sequence", r.code}, {"abi_sequence", r.code},
			}},
			{"receiver", a.action.account}, {"act", o.state.code.show(a.action)}, {"context_free", false}, {"elapsed", a.elapsed.Microseconds()},
			{"console", ""}, {"trx_id", id}, {"block_num", num}, {"block_time", when}, {"producer_block_id", nil},
			{"account_ram_deltas", deltas}, {"except", nil}, {"error_code", nil}, {"return_value_hex_data", ""},
		})
	}
	var receipt, except any
	if refused == nil {
		receipt = object{{"status", "executed"}, {"cpu_usage_us", o.cpu}, {"net_usage_words", o.net / 8}}
	} else {
		except = object{{"code", refused.Code}, {"name", refused.Name}, {"message", refused.What},
			{"stack", []object{{{"context", object{{"level", "error"}}}, {"format", refused.Detail}, {"data", object{}}}}}}
	}
	return object{{"transaction_id", id}, {"processed", object{
		{"id", id}, {"block_num", num}, {"block_time", when}, {"producer_block_id", nil}, {"receipt", receipt},
		{"elapsed", o.elapsed.Microseconds()}, {"net_usage", o.net}, {"scheduled", false}, {"action_traces", traces},
		{"account_ram_delta", nil}, {"except", except}, {"error_code", nil},
	}}}
}

// show is an action as nodeos shows it: its data read by the ABI, where that can be.
func (c *code) show(a action) object {
	raw := hex.EncodeToString(a.data)
	var data any = raw
	if kind, ok := c.abi.actionType(a.name.String()); ok {
		if v, err := c.abi.decode(kind, a.data); err == nil {
			data = v
		}
	}
	auth := a.auth
	if auth == nil {
		auth = []permission{}
	}
	return object{{"account", a.account}, {"name", a.name}, {"authorization", auth}, {"data", data}, {"hex_data", raw}}
}

// show is a transaction as get_block shows it.
func (t *signed) show(c *code) object {
	list := func(from []action) []object {
		to := []object{}
		for _, a := range from {
			to = append(to, c.show(a))
		}
		return to
	}
	signatures := t.signatures
	if signatures == nil {
		signatures = []string{}
	}
	return object{
		{"id", fmt.Sprintf("%x", t.id)}, {"signatures", signatures}, {"compression", t.compression},
		{"packed_context_free_data", ""}, {"context_free_data", []any{}}, {"packed_trx", hex.EncodeToString(t.sent)},
		{"transaction", object{
			{"expiration", secondText(t.tx.expiration)}, {"ref_block_num", t.tx.refNum}, {"ref_block_prefix", t.tx.refPrefix},
			{"max_net_usage_words", t.tx.netWords}, {"max_cpu_usage_ms", t.tx.cpuMs}, {"delay_sec", t.tx.delay},
			{"context_free_actions", list(t.tx.contextFree)}, {"actions", list(t.tx.actions)},
		}},
	}
}
