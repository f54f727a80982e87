package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os/signal"
	"syscall"
	"time"
)

type serveCommand struct {
	settingsFlags
	Listen *string `placeholder:"ADDR" help:"host:port to serve HTTP on; wins over the file and EVENTSEAL_LISTEN (127.0.0.1:8420)."`
}

// Run serves until SIGTERM or SIGINT and then ends in order; a second signal
// ends the process at once, which loses nothing that was acknowledged either.
func (c *serveCommand) Run(ctx context.Context, s *stdio) error {
	flags := map[string]string{}
	if c.Listen != nil {
		flags["listen"] = *c.Listen
	}
	settings, log, err := c.load(s, flags)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	began := time.Now()
	// Bound before anything is opened, so that a taken port is told at once; who
	// connects meanwhile waits.
	listener, err := net.Listen("tcp", settings.Listen)
	if err != nil {
		return usage("listen: %w; --listen or EVENTSEAL_LISTEN names another address", err)
	}
	defer listener.Close()
	h, err := open(ctx, settings, log, true)
	if err != nil {
		return err
	}
	addr := listener.Addr().String()
	h.tell(addr, time.Since(began))
	h.tellUnreachable(ctx)
	if !loopback(addr) {
		log.Warn("anyone who reaches this address can store and read events; put TLS and limits before it", "listen", addr)
	}
	err = h.serve(ctx, stop, listener)
	if closeErr := h.close(); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	if err == nil {
		log.Info("ended")
	}
	return err
}

// serve answers requests until a signal ends ctx, and then lets those in flight
// finish. It calls stop before it begins to: from then on a signal does what
// it does by default.
func (h *host) serve(ctx context.Context, stop func(), l net.Listener) error {
	server := &http.Server{
		Handler:           h.api,
		ReadHeaderTimeout: h.settings.HTTP.HeaderTimeout,
		IdleTimeout:       h.settings.HTTP.IdleTimeout,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving ended: %w", err)
	case <-ctx.Done():
		stop()
	}
	limit := h.settings.HTTP.ShutdownTimeout
	h.log.Info("shutting down: requests in flight finish; a second signal ends at once", "at_most", limit.String())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	streams := make(chan error, 1)
	go func() { streams <- h.api.Shutdown(ctx) }()
	err := server.Shutdown(ctx)
	if err = errors.Join(err, <-streams); err != nil {
		h.log.Warn("requests were cut off; what of them was not answered may or may not be stored", "error", err)
		_ = server.Close()
	}
	return nil
}

// interruptible returns a context that the first SIGINT or SIGTERM ends. From
// then on, or from stop on, signals do what they do by default: the second one
// ends the process.
func interruptible(ctx context.Context) (_ context.Context, stop func()) {
	ctx, stop = signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

func loopback(addr string) bool {
	a, err := netip.ParseAddrPort(addr)
	return err == nil && a.Addr().Unmap().IsLoopback()
}
