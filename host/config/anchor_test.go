package config

import (
	"strings"
	"testing"
	"time"
)

func TestAnchor(t *testing.T) {
	whole := map[string]string{
		"DRIVER": "antelope", "ENDPOINTS": "https://a.example,https://b.example/v2", "CONTRACT": "eventseal", "PERMISSION": "anchor",
		"CHAIN_ID": "aca376f206b8fc25a6ed44dbdc66547c36c6c33e3a119ffbeaef943642f0e906", "KEY": "5hunter2", "EVENTS": "VOTE,NOTE",
	}
	load := func(change map[string]string) (Config, error) {
		var s Source
		for k, v := range whole {
			if with, changed := change[k]; changed {
				v = with
			}
			if v != "" {
				s.Environ = append(s.Environ, "EVENTSEAL_ANCHOR_"+k+"="+v)
			}
		}
		for k, v := range change {
			if whole[k] == "" {
				s.Environ = append(s.Environ, "EVENTSEAL_ANCHOR_"+k+"="+v)
			}
		}
		return Load(s)
	}
	c, err := load(nil)
	if err != nil || len(c.Anchor.Endpoints) != 2 || c.Anchor.Key != "5hunter2" || c.Anchor.Every != time.Minute || c.Anchor.Patience != 10*time.Minute || c.Anchor.Signer != SignerKey {
		t.Fatalf("%+v, %v", c.Anchor, err)
	}
	if c, err = load(map[string]string{"SIGNER": "wallet", "KEY": ""}); err != nil || c.Anchor.Signer != SignerWallet {
		t.Errorf("%+v, %v", c.Anchor, err)
	}
	for name, test := range map[string]struct {
		change map[string]string
		want   []string
	}{
		"no driver":             {map[string]string{"DRIVER": ""}, []string{"anchor.driver", "antelope"}},
		"another driver":        {map[string]string{"DRIVER": "bitcoin"}, []string{"anchor.driver", "bitcoin"}},
		"no endpoint":           {map[string]string{"ENDPOINTS": ""}, []string{"anchor.endpoints", "missing"}},
		"a user in an endpoint": {map[string]string{"ENDPOINTS": "https://u:hunter2@a.example"}, []string{"anchor.endpoints", "number 1", "without a user"}},
		"an endpoint twice":     {map[string]string{"ENDPOINTS": "https://a.example,https://a.example"}, []string{"number 2", "twice"}},
		"no chain":              {map[string]string{"CHAIN_ID": ""}, []string{"anchor.chain_id", "get_info"}},
		"half a chain":          {map[string]string{"CHAIN_ID": "aca3"}, []string{"anchor.chain_id", "aca3"}},
		"a capital letter":      {map[string]string{"CONTRACT": "Eventseal"}, []string{"anchor.contract", "Eventseal", "a-z, 1-5"}},
		"no contract":           {map[string]string{"CONTRACT": ""}, []string{"anchor.contract"}},
		"no permission":         {map[string]string{"PERMISSION": "6"}, []string{"anchor.permission"}},
		"no key":                {map[string]string{"KEY": ""}, []string{"anchor.key", "EVENTSEAL_ANCHOR_KEY_FILE", "eventseal@anchor", "wallet"}},
		"a key and a wallet":    {map[string]string{"SIGNER": "wallet"}, []string{"anchor.key", "wallet"}},
		"another signer":        {map[string]string{"SIGNER": "notary"}, []string{"anchor.signer", "notary"}},
		"a type twice":          {map[string]string{"EVENTS": "VOTE,VOTE"}, []string{"anchor.events", "twice"}},
		"all types and one":     {map[string]string{"EVENTS": "*,VOTE"}, []string{"anchor.events"}},
		"ten a second":          {map[string]string{"EVERY": "100ms"}, []string{"anchor.every", "1s"}},
		"no patience":           {map[string]string{"PATIENCE": "-1s"}, []string{"anchor.patience"}},
	} {
		_, err := load(test.change)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in: %v", name, want, err)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the message holds the secret: %v", name, err)
		}
	}
}
