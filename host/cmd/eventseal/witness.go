package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/config"
	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/witness"
)

type witnessCommand struct {
	Data    string   `placeholder:"DIR" default:"witness" env:"EVENTSEAL_WITNESS_DATA" help:"Folder of what was cosigned, which must not be lost or rolled back (./${default})."`
	KeyFile string   `name:"key-file" placeholder:"FILE" env:"EVENTSEAL_WITNESS_KEY_FILE" help:"The witness's key, made by keygen --witness or at the first start with --name (witness.key in the folder)."`
	Name    string   `placeholder:"NAME" help:"The name that a new key bears: an address without its scheme, such as witness.example.org."`
	Listen  string   `placeholder:"ADDR" default:"127.0.0.1:8430" help:"host:port to serve HTTP on (${default})."`
	Logs    []string `name:"log" sep:"none" placeholder:"VKEY" help:"A log to cosign heads of: the first line of its /log/keys. May be given several times."`
	LogFile string   `name:"log-file" placeholder:"FILE" help:"File of such lines, or of a tlog-policy's."`
}

// Bounds of a request to a witness. It is a few kilobytes, and the answer costs
// one sync.
const (
	witnessReads  = 10 * time.Second
	witnessWrites = 30 * time.Second
	witnessIdles  = 2 * time.Minute
	witnessEnds   = 10 * time.Second
)

// Run serves until SIGTERM or SIGINT, and then lets requests in flight finish.
func (c *witnessCommand) Run(ctx context.Context, s *stdio) error {
	logs, err := c.watched()
	if err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return usage("listen: %w; --listen names another address", err)
	}
	defer listener.Close()
	log := logger(s.err, config.Log{})
	key, err := c.key(s, log)
	if err != nil {
		return err
	}
	w, err := witness.Open(witness.Options{Key: key, Data: c.Data, Logs: logs, Log: log})
	if errors.Is(err, durable.ErrLocked) {
		err = fmt.Errorf("%w; end that one or give --data another folder", err)
	}
	if err != nil {
		return &usageError{err}
	}
	log.Info("the witness serves", "listen", listener.Addr().String(), "logs", len(logs), "key", key.Public().String())
	err = serveWitness(ctx, stop, w, listener, log)
	if err = errors.Join(err, w.Close()); err == nil {
		log.Info("ended")
	}
	return err
}

// watched returns the keys of the logs.
func (c *witnessCommand) watched() ([]checkpoint.Key, error) {
	var logs []checkpoint.Key
	if c.LogFile != "" {
		t, err := readTrust(c.LogFile)
		if err != nil {
			return nil, err
		}
		logs = t.Logs
	}
	for _, vkey := range c.Logs {
		k, err := checkpoint.ParseKey(vkey)
		if err == nil && k.Kind != checkpoint.Ed25519 {
			err = fmt.Errorf("%s is not the key of a log", k)
		}
		if err != nil {
			return nil, usage("--log: %w", err)
		}
		logs = append(logs, k)
	}
	if len(logs) == 0 {
		return nil, usage("no log is named: --log VKEY, or --log-file; a host tells its own at /log/keys")
	}
	return logs, nil
}

// readTrust reads a file of keys, of which checkpoint.ParseTrust tells the form.
func readTrust(path string) (*checkpoint.Trust, error) {
	text, err := readBounded(path, checkpoint.MaxTrust)
	if err != nil {
		return nil, err
	}
	t, err := checkpoint.ParseTrust(string(text))
	if err != nil {
		return nil, usage("%s: %w", path, err)
	}
	return t, nil
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	d, err := durable.OpenFolder(filepath.Dir(path))
	if err != nil {
		return nil, &usageError{err}
	}
	defer d.Close()
	b, err := d.Read(filepath.Base(path), limit)
	if err != nil {
		return nil, usage("%s: %w", path, err)
	}
	return b, nil
}

// key reads the witness's key, or makes it where there is none and a name is given.
func (c *witnessCommand) key(s *stdio, log *slog.Logger) (*witness.Key, error) {
	path := c.KeyFile
	if path == "" {
		path = filepath.Join(c.Data, "witness.key")
	}
	info, err := os.Stat(path)
	switch {
	case err == nil:
		if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			s.say("%s can be read by others (mode %04o): chmod 600 it", path, info.Mode().Perm())
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, &usageError{err}
	case c.Name == "":
		return nil, usage("there is no key in %s: --name NAME makes one", path)
	default:
		if err := durable.MakeFolder(filepath.Dir(path)); err != nil {
			return nil, &usageError{err}
		}
		if _, err := makeWitnessKey(c.Name, path); err != nil {
			return nil, err
		}
		log.Warn("a key was made: keep a copy of it, and give its public half to those who rely on this witness", "file", path)
	}
	text, err := readBounded(path, witness.MaxKeyFile)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	k, err := witness.ParseKey(text)
	if err != nil {
		return nil, usage("%s: %w", path, err)
	}
	if c.Name != "" && c.Name != k.Name {
		return nil, usage("the key in %s is of the witness %s, not of %s", path, k.Name, c.Name)
	}
	return k, nil
}

// makeWitnessKey writes a new key to a new file.
func makeWitnessKey(name, path string) (*witness.Key, error) {
	k, err := witness.NewKey(name)
	if err != nil {
		return nil, &usageError{err}
	}
	text := k.Marshal()
	defer clear(text)
	if err := writeNew(path, text); err != nil {
		return nil, err
	}
	if err := durable.SyncFolder(filepath.Dir(path)); err != nil {
		return nil, &usageError{err}
	}
	return k, nil
}

func serveWitness(ctx context.Context, stop func(), w http.Handler, l net.Listener, log *slog.Logger) error {
	server := &http.Server{
		Handler: w, ReadTimeout: witnessReads, WriteTimeout: witnessWrites, IdleTimeout: witnessIdles, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving ended: %w", err)
	case <-ctx.Done():
		stop()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), witnessEnds)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Warn("requests were cut off", "error", err)
		_ = server.Close()
	}
	return nil
}
