package main

import (
	"strings"
	"testing"

	"github.com/eventseal/eventseal/servers/chain"
)

// What is billed is that of the transactions of the kind that are in blocks, and
// what it costs follows from it and the prices.
func TestCosts(t *testing.T) {
	all := []chain.Transaction{
		{Block: 1, Actions: 1, NET: 144, CPU: 900, RAM: 276}, {Block: 2, Actions: 1, NET: 144, CPU: 200, RAM: 164}, {Block: 2, Actions: 1, NET: 144, CPU: 100, RAM: 164},
		{Block: 3, Actions: 1, NET: 144, CPU: 300}, {Block: 3, Actions: 48, NET: 3808, CPU: 5000, RAM: 7680}, {Actions: 1, NET: 1, CPU: 1, RAM: 1},
	}
	b := billOf("heads", 1, all)
	if want := (bill{"heads", 1, 144, 300, 164}); b != want {
		t.Errorf("%+v, want %+v", b, want)
	}
	rows := costRows(prices{ram: 1, cpu: 0.01, net: 0.001, least: 0.1, token: 2}, []bill{b, {"events", 1, 136, 200, 160}})
	day := rows[len(rows)-2:]
	// 1,440 · 0.3 ms · 0.01 and 1,440 · 0.144 kB · 0.001; 200 ms and 136 kB.
	for i, want := range []float64{(4.32 + 0.20736) * 200, (2 + 0.136) * 200} {
		if got := day[i].value; got < want-0.01 || got > want+0.01 {
			t.Errorf("%s: %.2f ¢, want %.2f", day[i].name, got, want)
		}
	}
	if !strings.Contains(day[1].note, "once 345 tokens, $ 689.13") {
		t.Errorf("%s", day[1].note)
	}
}
