package api

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/code"
)

// A passed is what an answer does not have, and cannot have: an event
// that nobody holds, or events of which the journal itself is damaged. Whether
// these are what the filters choose is not known.
type passed struct {
	From uint64 `json:"from"` // sequences, both included
	To   uint64 `json:"to"`
	Hash string `json:"hash,omitempty"` // of one event
	Code string `json:"code"`
}

func passedDamage(d journal.Damage) passed {
	return passed{From: d.From, To: d.To, Code: refusal(d.Err).Code.String()}
}

func (p passed) count() uint64 { return p.To - p.From + 1 }

// noMore reports whether asking again for an event of the journal would not
// help: everybody was asked, and nobody has it.
func noMore(err error) bool {
	var c *code.Error
	return errors.As(err, &c) && (c.Code == code.NotFound || c.Code == code.Corrupt)
}

// passes sends the lines of an export and counts what it went past.
type passes struct {
	s      *Server
	st     *stream
	n      uint64
	unsent error // the client takes no more
}

func (x *passes) line(b []byte) {
	if x.unsent == nil {
		x.unsent = x.st.writeLine(b)
	}
}

// add names what is gone past in a line of its own.
func (x *passes) add(p passed) {
	x.n += p.count()
	x.s.metrics.lines.WithLabelValues("export", p.Code).Add(float64(p.count()))
	line, _ := json.Marshal(map[string]passed{"passed": p}) // numbers and plain strings
	x.line(line)
}

// verdict is how an answer ends that came to its end without all.
func (x *passes) verdict() error {
	if x.n == 0 {
		return nil
	}
	return &code.Error{Code: code.Corrupt, Detail: fmt.Sprintf("all that there is was sent; %d events could not be had and were passed over, each named in a line before", x.n)}
}
