package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/anchor"
	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/code"
)

// A chain says what it is told of what is anchored.
type chain struct {
	state anchor.State
	event anchor.Event
	part  *anchor.Part
	err   error // of Part
	wait  error
	asked [2]uint64 // of Part
}

func (c *chain) State(context.Context) anchor.State                { return c.state }
func (c *chain) For(context.Context, uint64) (anchor.Event, error) { return c.event, nil }
func (c *chain) Wait(context.Context, uint64) error                { return c.wait }
func (c *chain) Part(_ context.Context, n, size uint64) (*anchor.Part, error) {
	c.asked = [2]uint64{n, size}
	return c.part, c.err
}

func TestAnchor(t *testing.T) {
	now := time.Date(2026, 11, 28, 5, 0, 0, 5e8, time.UTC)
	zeros := strings.Repeat("0", 64)
	head := anchor.Post{Kind: "head", Number: 3, Count: 1, Size: 5, Root: zeros, State: anchor.Final, TransactionID: zeros, BlockNum: 7, BlockID: zeros, BlockTime: &now, SubmittedAt: &now, FinalAt: &now}
	single := anchor.Post{Kind: "events", Number: 4, Count: 1, Events: []anchor.PostEvent{{Sequence: 1, Hash: zeros, Code: 40, Number: 4}}, State: anchor.Failed, Reason: "no RAM (3080001)", SubmittedAt: &now}
	queued := anchor.Post{Kind: "head", Count: 1, Size: 9, Root: zeros, State: anchor.Queued, QueuedAt: &now}
	c := &chain{
		state: anchor.State{
			State: anchor.Waiting, Why: "why", Since: now, ChainID: zeros, Contract: "eventseal", Permission: "anchor", Signer: "wallet",
			Heads: anchor.Kind{State: anchor.Anchoring, Number: 3, Backlog: 4, Queued: &queued, Final: &head}, Events: &anchor.Kind{State: anchor.Waiting, Why: "why"},
			LastFinalAt: &now, Stuck: []anchor.Stuck{{Sequence: 6, Hash: zeros, Why: "it is not in enough places"}},
			Requests: []anchor.Request{{Kind: "head", URI: "esr://x", Post: queued}}, Posts: []anchor.Post{head, single},
		},
		event: anchor.Event{State: anchor.Failed, Head: &head, Single: &single},
		wait:  &code.Error{Code: code.AnchorPending}, err: journal.ErrNotFound,
	}
	h := start(t, func(o *api.Options) { o.Anchor = c })
	for i := range 5 {
		h.put(i)
	}
	path := "/v1/events/" + moduletest.Event(t, 3).Hash().String()
	var got anchor.State
	if h.get("/v1/anchor").json(t, &got); got.Why != "why" || len(got.Posts) != 2 { // do holds it against the description
		t.Errorf("%+v", got)
	}
	a := h.get(path + "/status")
	var s struct{ Anchor anchor.Event }
	if a.json(t, &s); s.Anchor.State != anchor.Failed || s.Anchor.Head.Number != 3 || s.Anchor.Single.Events[0].Code != 40 {
		t.Errorf("%s", a.body)
	}

	a = h.get(path + "/proof?wait=anchored")
	if a.refused(t, 503, "anchor_pending"); a.Header.Get("Retry-After") == "" {
		t.Errorf("%v", a.Header)
	}
	h.get(path+"/proof?wait=anchored&format=tlog-proof").refused(t, 400, "invalid_parameter")
	h.get(path+"/proof?wait=ever").refused(t, 400, "invalid_parameter")
	// No anchor, or one that does not hold, takes nothing away from a proof.
	for _, wrong := range []func(){
		func() { c.err = journal.ErrNotFound },
		func() { c.err = &code.Error{Code: code.AnchorPending} },
		func() { c.err = errors.New("nobody is at home") },
		func() { c.part, c.err = &anchor.Part{BlockID: zeros, Consistency: []string{}}, nil },
	} {
		wrong()
		a = h.get(path + "/proof")
		var f struct{ Anchor json.RawMessage }
		if a.json(t, &f); a.StatusCode != 200 || string(f.Anchor) != "null" {
			t.Errorf("%s %s", a.Status, a.body)
		}
		if c.asked != [2]uint64{4, 5} {
			t.Errorf("asked for %v", c.asked)
		}
	}
	if !h.log.has("nobody is at home") || !h.log.has("does not hold") && !h.log.has("cannot be checked") {
		t.Error("an anchor that could not be shown was not told")
	}
	c.wait = nil
	h.get(path+"/proof?wait=anchored").refused(t, 503, "anchor_pending")
}

func TestNothingIsAnchored(t *testing.T) {
	h := start(t)
	h.put(3)
	path := "/v1/events/" + moduletest.Event(t, 3).Hash().String()
	for _, p := range []string{"/v1/anchor", path + "/proof?wait=anchored"} {
		h.get(p).refused(t, 404, "not_found")
	}
	var s struct{ Anchor json.RawMessage }
	if h.get(path+"/status").json(t, &s); string(s.Anchor) != "null" {
		t.Errorf("%s", s.Anchor)
	}
}
