package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/event"
	"github.com/eventseal/eventseal/wasm/key"
)

const (
	crowdAuthors = 500
	crowdChunk   = 1000
	crowdStart   = 1758390021 // created_at of the earliest event
	crowdTime    = 1_000_000  // seconds over which created_at is spread, in no order
	rareType     = "SPLIT_NODE"
)

var crowdNotes = strings.Repeat("Recorded at EMI Studios. ", 8)

// A crowd makes signed events of about 600 bytes of every type by many
// authors, natively and the same ones each time: a few authors write most of
// them, one type and one author are rare, and one in eight answers the very first event.
type crowd struct {
	keys    []key.Private
	authors []string
	first   digest.Hash
}

func newCrowd() (*crowd, error) {
	c := &crowd{keys: make([]key.Private, crowdAuthors)}
	for i := range c.keys {
		seed := sha256.Sum256(fmt.Appendf(nil, "bench crowd %d", i))
		if r := key.FromRandom(&c.keys[i], key.K1, &seed); r != code.OK {
			return nil, fmt.Errorf("key %d: %s", i, r)
		}
		public := c.keys[i].Public()
		c.authors = append(c.authors, string(public.AppendText(nil)))
	}
	var p event.Parser
	var e event.Event
	if err := c.event(&p, &e, 0, nil); err != nil {
		return nil, err
	}
	c.first = e.Hash
	return c, nil
}

// author is skewed: the lower the number, the more events.
func (c *crowd) author(n uint64) int {
	x := scatter(n) % crowdAuthors
	return int(x * x / crowdAuthors)
}

func scatter(n uint64) uint64 {
	h := sha256.Sum256(fmt.Append(nil, n))
	return uint64(h[0])<<32 | uint64(h[1])<<24 | uint64(h[2])<<16 | uint64(h[3])<<8 | uint64(h[4])
}

// event makes the n-th event; parent is one that it may answer.
func (c *crowd) event(p *event.Parser, e *event.Event, n uint64, parent *digest.Hash) error {
	x := scatter(n ^ 0x5eed)
	kind := event.Builtin[x%uint64(len(event.Builtin)-1)].Name // all but the last, which is rare
	if n%20_000 == 19_999 {
		kind = rareType
	}
	parents := "[]"
	switch {
	case n > 0 && x%8 == 0:
		parents = `["` + c.first.String() + `"]`
	case parent != nil && x%2 == 0:
		parents = `["` + parent.String() + `"]`
	}
	a := c.author(n)
	if n%20_000 == 9_999 {
		a = crowdAuthors - 1 // who writes nothing else
	}
	d := event.Draft{
		Type: []byte(kind), Author: []byte(c.authors[a]), CreatedAt: crowdStart + (n*7919)%crowdTime, Parents: []byte(parents),
		Body:   fmt.Appendf(nil, `{"n":%d,"notes":%q,"tracks":[{"title":"Come Together","seconds":259.5},{"title":"Something","seconds":182.25}]}`, n, crowdNotes),
		Proofs: []byte(`{"source_links":["https://example.org/release/1"]}`),
	}
	if r := p.Create(&d, e); r != code.OK {
		return fmt.Errorf("event %d: %s at %s", n, r, p.Pointer())
	}
	unsigned := append([]byte(nil), e.Record...)
	if r := p.Sign(unsigned, &c.keys[a], e); r != code.OK {
		return fmt.Errorf("event %d: %s at %s", n, r, p.Pointer())
	}
	return nil
}

// write puts events from … to-1 into a file of lines, in order, on all cores.
func (c *crowd) write(path string, from, to uint64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	type chunk struct {
		text []byte
		err  error
	}
	queue := make(chan chan chunk, runtime.NumCPU()) // so many are being made
	go func() {
		defer close(queue)
		for at := from; at < to; at += crowdChunk {
			done := make(chan chunk, 1)
			queue <- done
			go func() {
				text, err := c.chunk(at, min(at+crowdChunk, to))
				done <- chunk{text, err}
			}()
		}
	}()
	out := bufio.NewWriterSize(f, 1<<20)
	for done := range queue {
		one := <-done
		if err == nil {
			err = one.err
		}
		if err == nil {
			_, err = out.Write(one.text)
		}
	}
	return firstError(err, out.Flush(), f.Close())
}

func (c *crowd) chunk(from, to uint64) ([]byte, error) {
	var p event.Parser
	var e event.Event
	var last *digest.Hash
	var text []byte
	for n := from; n < to; n++ {
		if err := c.event(&p, &e, n, last); err != nil {
			return nil, err
		}
		h := e.Hash
		last = &h
		text = append(append(text, e.Record...), '\n')
	}
	return text, nil
}
