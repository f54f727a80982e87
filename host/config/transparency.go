package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
)

func (c *Config) checkTransparency() (faults []error) {
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("transparency.%s (%s): %s", key, env("transparency."+key), fmt.Sprintf(format, args...)))
	}
	t := &c.Transparency
	if !checkpoint.ValidName(t.Name) || len(t.Name) > 200 || strings.Contains(t.Name, "//") || strings.Trim(t.Name, "/") != t.Name {
		fault("name", "%q is no public name such as events.example.org: no scheme, no space, no +, no slash at an end, at most 200 bytes", t.Name)
	}
	if t.Every < 10*time.Millisecond || t.Every > 24*time.Hour {
		fault("every", "%v is not between 10ms and 24h", t.Every)
	}
	if t.WitnessTimeout < 10*time.Millisecond || t.WitnessTimeout > time.Minute {
		fault("witness_timeout", "%v is not between 10ms and 1m", t.WitnessTimeout)
	}
	if t.WitnessQuorum < 0 || t.WitnessQuorum > len(t.Witnesses) {
		fault("witness_quorum", "%d is not between 0 and %d, the number of witnesses", t.WitnessQuorum, len(t.Witnesses))
	}
	for i, w := range t.Witnesses {
		url, text, _ := strings.Cut(w, " ")
		key, err := checkpoint.ParseKey(text)
		if !httpURL(url) || err != nil || key.Kind != checkpoint.Cosignature {
			fault("witnesses", "%.120q is not the URL of a witness, a space, and its vkey", w)
			continue
		}
		for _, before := range t.Witnesses[:i] {
			if before == w {
				fault("witnesses", "%.120q is named twice", w)
			}
		}
	}
	return faults
}
