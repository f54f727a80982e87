package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/anchor"
	"github.com/eventseal/eventseal/host/anchor/contract"
	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/config"
	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// nodeTimeout is how long a node of the chain may take for one answer.
const nodeTimeout = 10 * time.Second

// chainLine is the line of a trust text that says where the host's log is
// anchored; "" where it is not.
func (h *host) chainLine() string {
	a := h.settings.Anchor
	if a.Driver == "" {
		return ""
	}
	return "chain " + a.ChainID + " " + a.Contract
}

// openAnchor starts to put the log on a chain, if the settings say so.
func (h *host) openAnchor(ctx context.Context) error {
	a := h.settings.Anchor
	if a.Driver == "" {
		return nil
	}
	types := h.module.Types()
	for _, name := range a.Events {
		if name != "*" && !slices.ContainsFunc(types, func(t module.Type) bool { return t.Name == name }) {
			return fmt.Errorf("anchor.events (EVENTSEAL_ANCHOR_EVENTS): %.80q is no type of event here", name)
		}
	}
	var key []byte
	signer := "a wallet"
	if a.Signer == config.SignerKey {
		var err error
		if key, err = keyText([]byte(a.Key), "anchor.key (EVENTSEAL_ANCHOR_KEY, EVENTSEAL_ANCHOR_KEY_FILE)"); err != nil {
			return err
		}
		pair, err := h.module.PublicKey(ctx, key)
		if err != nil {
			return fmt.Errorf("anchor.key (EVENTSEAL_ANCHOR_KEY, EVENTSEAL_ANCHOR_KEY_FILE): %w", refusedKey(err))
		}
		signer = pair.Public
	}
	chain, _ := digest.ParseHash(a.ChainID)      // config has checked
	account, _ := antelope.ParseName(a.Contract) // all three
	permission, _ := antelope.ParseName(a.Permission)
	client, err := antelope.NewClient(antelope.Options{Endpoints: a.Endpoints, Chain: chain, Timeout: nodeTimeout})
	if err != nil {
		return fmt.Errorf("anchor.endpoints: %w", err)
	}
	h.anchor, err = anchor.Open(ctx, anchor.Options{
		Journal: h.journal, Log: h.tlog, Module: h.module, Client: client, Contract: account, Permission: permission, Key: key,
		Every: a.Every, Patience: a.Patience, Events: a.Events, Places: h.places, MinRedundancy: h.settings.MinRedundancy,
		Registerer: h.registry, Logger: h.log,
	})
	if err == nil {
		h.log.Info("the log is anchored", "chain_id", a.ChainID, "contract", a.Contract, "permission", a.Permission, "signer", signer, "every", a.Every.String(), "events", a.Events)
	}
	return err
}

type anchorCommand struct {
	Status   anchorStatusCommand   `cmd:"" help:"Show what a host has put on its chain, what is to come, and what a wallet has to sign."`
	Contract anchorContractCommand `cmd:"" help:"Write the contract's files, which are to be deployed to an account of the chain."`
}

type anchorStatusCommand struct{ remoteFlags }

func (c *anchorStatusCommand) Run(ctx context.Context, s *stdio) error {
	cl, err := c.connect(nil)
	if err != nil {
		return err
	}
	doc, err := cl.Anchor(ctx)
	if err != nil {
		return err
	}
	return s.document(doc)
}

type anchorContractCommand struct {
	Out string `short:"o" default:"." placeholder:"DIR" help:"Folder to write anchor.wasm and anchor.abi to (${default})."`
}

// Run also tells the hash that a chain will tell of the contract's code.
func (c *anchorContractCommand) Run(_ context.Context, s *stdio) error {
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return &usageError{err}
	}
	for name, data := range map[string][]byte{"anchor.wasm": contract.Wasm, "anchor.abi": contract.ABI} {
		if err := durable.Replace(filepath.Join(c.Out, name), data); err != nil {
			return &usageError{err}
		}
	}
	return s.document(struct {
		Wasm string `json:"wasm"`
		ABI  string `json:"abi"`
		Hash string `json:"code_hash"`
		Size int    `json:"wasm_bytes"`
	}{filepath.Join(c.Out, "anchor.wasm"), filepath.Join(c.Out, "anchor.abi"), contract.Digest, len(contract.Wasm)})
}
