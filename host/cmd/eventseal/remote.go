package main

import (
	"context"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/wasm/digest"
)

// remoteFlags say which host to talk to.
type remoteFlags struct {
	Server  string        `placeholder:"URL" default:"http://127.0.0.1:8420" env:"EVENTSEAL_SERVER" help:"The host (${default})."`
	Timeout time.Duration `default:"30s" help:"How long one attempt may take (${default}); what fails for a passing reason is tried again."`
}

// connect returns a client. Commands that fetch events give what verifies them.
func (f *remoteFlags) connect(v client.Verifier, with ...func(*client.Options)) (*client.Client, error) {
	if f.Timeout <= 0 {
		return nil, usage("--timeout: want more than nothing")
	}
	o := client.Options{Server: f.Server, Verifier: v, Timeout: f.Timeout}
	for _, w := range with {
		w(&o)
	}
	cl, err := client.New(o)
	if err != nil {
		return nil, &usageError{err}
	}
	return cl, nil
}

// unsigned is for commands that keep no receipts.
func unsigned(o *client.Options) { o.Unsigned = true }

// A hash is an argument that names an event.
type hash struct{ digest.Hash }

// UnmarshalText reads 64 lower-case hexadecimal digits.
func (h *hash) UnmarshalText(text []byte) error {
	parsed, ok := digest.ParseHash(text)
	if !ok {
		return usage("%.80q is not the hash of an event: 64 lower-case hexadecimal digits", text)
	}
	h.Hash = parsed
	return nil
}

type statusCommand struct {
	Hash hash `arg:"" help:"Hash of the event."`
	remoteFlags
}

func (c *statusCommand) Run(ctx context.Context, s *stdio) error {
	cl, err := c.connect(nil)
	if err != nil {
		return err
	}
	doc, err := cl.Status(ctx, c.Hash.Hash)
	if err != nil {
		return err
	}
	return s.document(doc)
}

type healthCommand struct{ remoteFlags }

// Run exits with statusNo where the host says that it is not healthy.
func (c *healthCommand) Run(ctx context.Context, s *stdio) error {
	cl, err := c.connect(nil)
	if err != nil {
		return err
	}
	doc, healthy, err := cl.Health(ctx)
	if err != nil {
		return err
	}
	if err := s.document(doc); err != nil {
		return err
	}
	if !healthy {
		return errNo
	}
	return nil
}
