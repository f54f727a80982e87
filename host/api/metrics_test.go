package api_test

import (
	"bytes"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// What the host's figures are called is as Prometheus has it: units, suffixes, helps.
func TestMetricsAreNamedWell(t *testing.T) {
	h := start(t)
	h.put(1)
	a := h.get("/metrics")
	if !bytes.Contains(a.body, []byte("eventseal_stores_total")) {
		t.Fatalf("%.500s", a.body)
	}
	problems, err := promlint.New(bytes.NewReader(a.body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
