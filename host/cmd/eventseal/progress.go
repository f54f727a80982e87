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

// show tells that so many events of so many are done; total is 0 where it is
// not known.
func (p *progress) show(done, total uint64) { p.showPart(done, done, total) }

// showPart is show where how far the work is counts in something else than
// events. The line is redrawn ten times a second at most.
func (p *progress) showPart(events, part, whole uint64) {
	if p.w == nil || time.Since(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = time.Now()
	if whole == 0 {
		fmt.Fprintf(p.w, "\r%s: %d events ", p.what, events)
		return
	}
	const width = 30
	filled := int(float64(min(part, whole)) / float64(whole) * width)
	fmt.Fprintf(p.w, "\r%s: [%s%s] %3d %%, %d events ", p.what,
		strings.Repeat("#", filled), strings.Repeat(" ", width-filled), int(float64(min(part, whole))/float64(whole)*100), events)
}

// say tells what is waited for.
func (p *progress) say(why string) {
	if p.w == nil {
		return
	}
	p.shown = time.Now()
	fmt.Fprintf(p.w, "\r\x1b[K%s: %.100s", p.what, why)
}

// end clears the line.
func (p *progress) end() {
	if p.w != nil && !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
