package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Proof is a proof file that was verified here.
type Proof struct {
	File   []byte // as the host sent it
	Report module.ProofReport
}

// Proof returns the proof of an event, anchored: with the head of the log that a
// chain has. It holds by itself, and where the host's keys are known by these;
// that the anchor is on the chain is for the chain to say. code.ProofPending
// while no checkpoint covers the event, code.AnchorPending while no final anchor
// does; code.NotFound where the host has not admitted it, or anchors nothing.
func (cl *Client) Proof(ctx context.Context, h digest.Hash, anchored bool) (p Proof, err error) {
	c := call{method: http.MethodGet, path: "/v1/events/" + h.String() + "/proof"}
	if anchored {
		c.query = url.Values{"wait": {"anchored"}}
	}
	err = cl.do(ctx, c, func(resp *http.Response) error {
		if p.File, err = bounded(resp.Body, maxLine); err != nil {
			return err
		}
		if p.Report, err = cl.o.Notary.VerifyProof(ctx, p.File, []byte(cl.o.HostKeys)); err != nil {
			return fmt.Errorf("the host served a proof that is none: %w", err)
		}
		if !p.Report.Valid {
			c, _ := code.Parse(p.Report.Code)
			return fmt.Errorf("the host served a proof that does not hold: %w", &code.Error{Code: c})
		}
		if cl.trust != nil && p.Report.Parts["keys"] != "valid" {
			return &code.Error{Code: code.UntrustedKey, Detail: "the keys name no host (PUB_K1_…), and the receipt in the proof is a host's"}
		}
		if anchored && p.Report.Parts["anchor"] == "absent" {
			return errors.New("the host served a proof without an anchor")
		}
		if p.Report.Hash != h {
			return &code.Error{Code: code.HashMismatch, Detail: "the host served the proof of event " + p.Report.Hash.String()}
		}
		return nil
	})
	if err != nil {
		return Proof{}, err
	}
	return p, nil
}

// TlogProof returns the C2SP tlog-proof of an event, which leads from it to the
// root of the checkpoint; where logs' keys are known, one of them has signed that.
func (cl *Client) TlogProof(ctx context.Context, h digest.Hash) (text []byte, err error) {
	err = cl.do(ctx, call{
		method: http.MethodGet, path: "/v1/events/" + h.String() + "/proof", query: url.Values{"format": {"tlog-proof"}},
	}, func(resp *http.Response) error {
		if text, err = bounded(resp.Body, checkpoint.MaxProof); err != nil {
			return err
		}
		if err := cl.leads(text, h); err != nil {
			return fmt.Errorf("the host served a proof that does not hold: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return text, nil
}

func (cl *Client) leads(text []byte, h digest.Hash) error {
	p, err := checkpoint.ParseProof(text)
	if err != nil {
		return err
	}
	note, err := checkpoint.Text(p.Note)
	if err != nil {
		return err
	}
	c, err := checkpoint.ParseText(note)
	if err != nil {
		return err
	}
	if !p.Leads(h, c) {
		return &code.Error{Code: code.InvalidProof}
	}
	if cl.trust == nil || len(cl.trust.Logs) == 0 {
		return nil
	}
	for _, k := range cl.trust.Logs {
		if signed, _, err := checkpoint.Open(p.Note, k.Verifier()); err == nil && signed.Origin == k.Name {
			return nil
		}
	}
	return &code.Error{Code: code.UntrustedKey, Detail: "the checkpoint is of log " + c.Origin}
}
