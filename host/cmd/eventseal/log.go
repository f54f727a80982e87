package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/eventseal/eventseal/host/checkpoint"
	translog "github.com/eventseal/eventseal/host/log"
	"github.com/eventseal/eventseal/host/witness"
)

// hostKeyFile is the name in the data folder of a key that the settings do not name.
const hostKeyFile = "host.key"

// hostKey returns the key of the host, and where it is. One that the settings do
// not name is made where it is missing.
func (h *host) hostKey(ctx context.Context) (*translog.Key, string, error) {
	if path := h.settings.Transparency.KeyFile; path != "" {
		k, err := translog.LoadKey(ctx, h.module, path)
		if err != nil {
			err = fmt.Errorf("transparency.key_file: %w", err)
		}
		return k, path, err
	}
	path := filepath.Join(h.settings.Data, hostKeyFile)
	k, made, err := translog.EnsureKey(ctx, h.module, path)
	if made {
		h.log.Warn("the host has a new key, which signs its log and its receipts: keep a copy of it", "key_file", path, "key", k.Public())
	}
	return k, path, err
}

// openLog starts the transparency log.
func (h *host) openLog(ctx context.Context) error {
	key, path, err := h.hostKey(ctx)
	if err != nil {
		return err
	}
	t := h.settings.Transparency
	var cosigners []translog.Cosigner
	for _, w := range t.Witnesses {
		url, text, _ := strings.Cut(w, " ")
		k, err := checkpoint.ParseKey(text)
		if err != nil {
			return err // config has checked it
		}
		c, err := witness.NewClient(url, k, &http.Client{Timeout: t.WitnessTimeout})
		if err != nil {
			return fmt.Errorf("transparency.witnesses: %w", err)
		}
		cosigners = append(cosigners, c)
	}
	h.tlog, err = translog.Open(ctx, translog.Options{
		Journal: h.journal, Places: h.places, MinRedundancy: h.settings.MinRedundancy, Module: h.module,
		Key: key, Name: t.Name, Every: t.Every, Cosigners: cosigners, Quorum: t.WitnessQuorum, CosignTimeout: t.WitnessTimeout, Chain: h.chainLine(),
		Registerer: h.registry, Log: h.log,
	})
	if err == nil {
		h.log.Info("transparency log", "origin", h.tlog.Origin(), "key", key.Public(), "key_file", path, "state", h.tlog.State(ctx).State)
	}
	return err
}
