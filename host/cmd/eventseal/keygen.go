package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	translog "github.com/eventseal/eventseal/host/log"
	"github.com/eventseal/eventseal/host/module"
)

type keygenCommand struct {
	Curve string `enum:"K1,R1" default:"K1" help:"Curve: K1 (secp256k1) or R1 (P-256)."`
	Out   string `placeholder:"FILE" help:"Write the pair to a new file that only you can read, and the public key alone to standard output."`

	Host    bool   `help:"Make the key of a host (transparency.key_file), which signs its log and its receipts."`
	Witness string `placeholder:"NAME" help:"Make the key of a witness of this name (see eventseal witness --help) in the file --out, and write the public one, a vkey."`
}

// Run makes the pair. Its JSON is put together by hand: the encoder would
// leave copies of the private key behind that nobody could wipe.
func (c *keygenCommand) Run(ctx context.Context, s *stdio) error {
	if c.Witness != "" {
		return c.witness(s)
	}
	p, err := (&moduleFlags{MaxBytes: 1 << 10}).open(ctx)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	if c.Host {
		return c.host(ctx, s, p)
	}
	k, err := p.GenerateKey(ctx, c.Curve)
	if err != nil {
		return err
	}
	defer k.Wipe()
	public := "  \"public\": \"" + k.Public + "\""
	if k.Legacy != "" {
		public += ",\n  \"legacy\": \"" + k.Legacy + "\""
	}
	public += "\n}\n"
	text := make([]byte, 0, len(k.Private)+len(public)+64)
	defer func() { clear(text) }()
	text = append(text, "{\n  \"private\": \""...)
	text = append(text, k.Private...)
	text = append(text, "\",\n"...)
	text = append(text, public...)
	if c.Out == "" {
		if terminal(s.out) {
			s.say("this is a private key: whoever sees it can sign as you; --out FILE keeps it off the screen")
		}
		_, err := s.out.Write(text)
		return err
	}
	if err := writeNew(c.Out, text); err != nil {
		return err
	}
	_, err = io.WriteString(s.out, "{\n"+public)
	return err
}

// host makes the key of a host.
func (c *keygenCommand) host(ctx context.Context, s *stdio, p *module.Pool) error {
	text, err := translog.MakeKey(ctx, p)
	if err != nil {
		return err
	}
	defer func() { clear(text) }()
	if c.Out == "" {
		if terminal(s.out) {
			s.say("this is a private key: whoever sees it can sign as the host; --out FILE keeps it off the screen")
		}
		_, err := s.out.Write(text)
		return err
	}
	k, err := translog.ParseKey(ctx, p, text)
	if err != nil {
		return err
	}
	if err := writeNew(c.Out, text); err != nil {
		return err
	}
	return s.line([]byte(k.Public()))
}

// witness makes the key of a witness.
func (c *keygenCommand) witness(s *stdio) error {
	if c.Out == "" {
		return usage("--witness needs --out FILE")
	}
	k, err := makeWitnessKey(c.Witness, c.Out)
	if err != nil {
		return err
	}
	return s.line([]byte(k.Public().String()))
}

// writeNew writes a file that must not exist yet and that only its owner can
// read. It is on disk when nil is returned, and not there at all otherwise.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s exists already and is left as it is", path)
	}
	if err != nil {
		return &usageError{err}
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		_ = os.Remove(path)
		return &usageError{err}
	}
	return nil
}
