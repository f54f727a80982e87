package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/wasm/digest"
)

// checkAnchor checks what can be without the module, which knows keys and types.
func (c *Config) checkAnchor() (faults []error) {
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("anchor.%s (%s): %s", key, env("anchor."+key), fmt.Sprintf(format, args...)))
	}
	a := &c.Anchor
	if a.Every < time.Second || a.Every > 7*24*time.Hour {
		fault("every", "%v is not between 1s and 168h", a.Every)
	}
	if a.Patience < 0 || a.Patience > 7*24*time.Hour {
		fault("patience", "%v is not between 0s and 168h", a.Patience)
	}
	if a.Driver == "" {
		// Whoever sets any of these means to.
		if len(a.Endpoints) > 0 || a.ChainID != "" || a.Contract != "" || a.Key != "" || len(a.Events) > 0 || a.Signer != SignerKey {
			fault("driver", "is empty, so that nothing is put on a chain, and other settings of anchor are not; %q is the one driver there is", Antelope)
		}
		return faults
	}
	if a.Driver != Antelope {
		fault("driver", "%q is not %q, and there is no other", a.Driver, Antelope)
	}
	if len(a.Endpoints) == 0 {
		fault("endpoints", "is missing: URLs of nodes of the chain")
	}
	for i, e := range a.Endpoints {
		if !httpURL(e) {
			fault("endpoints", "number %d is not the URL of a node such as https://eos.example.org, without a user or a query", i+1)
		} else if slices.Contains(a.Endpoints[:i], e) {
			fault("endpoints", "number %d is named twice", i+1)
		}
	}
	if _, ok := digest.ParseHash(a.ChainID); !ok {
		fault("chain_id", "%.80q is not the id of a chain: 64 lower-case hex digits, which get_info of any of its nodes tells", a.ChainID)
	}
	if _, err := antelope.ParseName(a.Contract); err != nil {
		fault("contract", "%v", err)
	}
	if _, err := antelope.ParseName(a.Permission); err != nil {
		fault("permission", "%v", err)
	}
	switch {
	case a.Signer == SignerKey && a.Key == "":
		fault("key", "is missing: the private key of %s@%s in a file (%s_FILE), or signer = %q where the host is to have none", a.Contract, a.Permission, env("anchor.key"), SignerWallet)
	case a.Signer == SignerWallet && a.Key != "":
		fault("key", "is there, and signer = %q means that the host has none", SignerWallet)
	case a.Signer != SignerKey && a.Signer != SignerWallet:
		fault("signer", "%q is none of %q, %q", a.Signer, SignerKey, SignerWallet)
	}
	for i, t := range a.Events {
		if slices.Contains(a.Events[:i], t) {
			fault("events", "%q is named twice", t)
		} else if t == "*" && len(a.Events) > 1 {
			fault("events", "\"*\" are all types, and others are named, too")
		}
	}
	return faults
}
