package main

import (
	"context"
	"strconv"
	"time"

	"github.com/eventseal/eventseal/host/module"
)

type createCommand struct {
	Type      string   `required:"" placeholder:"TYPE" help:"Type of the event, such as ADD_CLAIM."`
	Author    string   `xor:"author" placeholder:"PUBLIC-KEY" help:"The author's public key. Without it: that of the private key."`
	KeyFile   string   `name:"key-file" xor:"author" placeholder:"FILE" help:"Take the author from the private key in this file, or in EVENTSEAL_PRIVATE_KEY."`
	Body      string   `default:"-" placeholder:"FILE" help:"JSON object of the body (standard input)."`
	Proofs    string   `placeholder:"FILE" help:"JSON object of the proofs; absent by default."`
	Parents   []string `placeholder:"HASH" help:"Hashes of the parents, by comma or by repeating the flag."`
	CreatedAt moment   `placeholder:"TIME" help:"Unix seconds or RFC 3339 (now)."`
	moduleFlags
}

// A moment is a time in Unix seconds; unset means now.
type moment struct {
	seconds uint64
	set     bool
}

// UnmarshalText reads Unix seconds or RFC 3339.
func (m *moment) UnmarshalText(text []byte) error {
	if n, err := strconv.ParseUint(string(text), 10, 64); err == nil {
		*m = moment{n, true}
		return nil
	}
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil || t.Unix() < 0 {
		return usage("%q is neither Unix seconds nor a time such as 2026-01-31T12:00:00Z", text)
	}
	*m = moment{uint64(t.Unix()), true}
	return nil
}

func (c *createCommand) Run(ctx context.Context, s *stdio) error {
	if c.Body == "-" && c.Proofs == "-" {
		return usage("--body and --proofs cannot both be standard input")
	}
	p, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	d := module.Draft{Type: c.Type, Author: c.Author, Parents: c.Parents, CreatedAt: c.CreatedAt.seconds}
	if !c.CreatedAt.set {
		d.CreatedAt = uint64(time.Now().Unix())
	}
	if d.Author == "" {
		if d.Author, err = c.author(ctx, s, p); err != nil {
			return err
		}
	}
	if d.Body, err = s.read(c.Body, module.MaxRecordBytes); err != nil {
		return err
	}
	if c.Proofs != "" {
		if d.Proofs, err = s.read(c.Proofs, module.MaxRecordBytes); err != nil {
			return err
		}
	}
	event, _, err := p.Create(ctx, d)
	if err != nil {
		return err
	}
	return s.line(event)
}

func (c *createCommand) author(ctx context.Context, s *stdio, p *module.Pool) (string, error) {
	k := keyFlags{KeyFile: c.KeyFile}
	private, err := k.load(s)
	if err != nil {
		return "", err
	}
	defer clear(private)
	pair, err := p.PublicKey(ctx, private)
	return pair.Public, refusedKey(err)
}
