package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress shows at a terminal how far long work is, and nothing elsewhere.
type progress struct {
	w     io.Writer // nil: not a terminal
	what  string
	shown time.Time
}

func (s *stdio) progress(what string) *progress {
	if !terminal(s.err) {
		return &progress{}
	}
	return &progress{w: s.err, what: what}
}

// show redraws the line at most ten times a second. total is 0 where it is not known.
func (p *progress) show(done, total uint64) {
	if p.w == nil || time.Since(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = time.Now()
	if total == 0 {
		fmt.Fprintf(p.w, "\r%s: %d events ", p.what, done)
		return
	}
	const width = 30
	filled := int(width * min(done, total) / total)
	fmt.Fprintf(p.w, "\r%s: [%s%s] %d of %d events ", p.what, strings.Repeat("#", filled), strings.Repeat(" ", width-filled), done, total)
}

// end clears the line.
func (p *progress) end() {
	if p.w != nil && !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
