package testvectors

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/eventseal/eventseal/wasm/code"
)

// An implementation answers cases. A refusal is a *code.Error; errNoSuchOp
// says that it does not offer the operation.
type implementation func(op string, in *In) (*Out, error)

var errNoSuchOp = errors.New("no such operation")

// conform asks impl for every case whose operation is in ops, all where ops is
// empty. strict also compares the pointers.
func conform(t *testing.T, impl implementation, strict bool, ops ...string) {
	conformPart(t, impl, strict, 0, 1, ops...)
}

// conformPart runs each parts-th case.
func conformPart(t *testing.T, impl implementation, strict bool, part, parts int, ops ...string) {
	n := 0
	wanted := map[string]bool{}
	for _, op := range ops {
		wanted[op] = true
	}
	count := 0
	for _, f := range load(t) {
		t.Run(f.Path, func(t *testing.T) {
			for _, c := range f.Cases {
				if len(ops) > 0 && !wanted[c.Op] {
					continue
				}
				if n++; n%parts != part {
					continue
				}
				count++
				out, err := impl(c.Op, &c.In)
				if d := differ(&c, out, err, strict); d != "" {
					t.Errorf("%s: %s", c.Name, d)
				}
			}
		})
	}
	if count < 100 {
		t.Errorf("only %d cases ran", count)
	}
}

// differ says how an answer is not the case's, "" if it is.
func differ(c *Case, out *Out, err error, strict bool) string {
	if err != nil {
		var e *code.Error
		if !errors.As(err, &e) {
			return fmt.Sprintf("failed: %v", err)
		}
		r := refusal(e)
		if c.Refuse == nil {
			return fmt.Sprintf("refused with %s, want success", show(r))
		}
		return differRefusal(c.Refuse, r, strict)
	}
	if c.Refuse != nil {
		return fmt.Sprintf("succeeded with %s, want %s", show(out), show(c.Refuse))
	}
	return differOut(c.Out, out, strict)
}

func refusal(e *code.Error) *Refusal { return &Refusal{Code: e.Code.String(), Pointer: &e.Pointer} }

func differRefusal(want, got *Refusal, strict bool) string {
	if got.Code != want.Code {
		return fmt.Sprintf("refused with %s, want %s", show(got), show(want))
	}
	if strict && want.Pointer != nil && (got.Pointer == nil || *got.Pointer != *want.Pointer) {
		return fmt.Sprintf("refused with %s, want it at %s", show(got), show(want))
	}
	return ""
}

func differOut(want, got *Out, strict bool) string {
	if len(want.Items) != len(got.Items) {
		return fmt.Sprintf("%d items, want %d", len(got.Items), len(want.Items))
	}
	for i, w := range want.Items {
		g := got.Items[i]
		switch {
		case (w.Out == nil) != (g.Out == nil):
			return fmt.Sprintf("item %d is %s, want %s", i, show(g), show(w))
		case w.Out == nil:
			if d := differRefusal(w.Refuse, g.Refuse, strict); d != "" {
				return fmt.Sprintf("item %d %s", i, d)
			}
		default:
			if a, b := show(w.Out), show(g.Out); a != b {
				return fmt.Sprintf("item %d is %s, want %s", i, b, a)
			}
		}
	}
	w, g := *want, *got
	w.Items, g.Items = nil, nil
	if a, b := show(w), show(g); a != b {
		return fmt.Sprintf("got\n%s, want\n%s", b, a)
	}
	return ""
}

// show is v as JSON, of bounded length.
func show(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
