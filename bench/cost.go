package main

import (
	"flag"
	"fmt"
	"slices"

	"github.com/eventseal/eventseal/servers/chain"
)

const costSection = "What a chain bills for it, by nodeos' rules; CPU by the wall clock of this machine"

// prices are what resources cost, in tokens of a chain, and a token. They move
// every day; the defaults are what docs/anchor.md names, with their dates.
type prices struct {
	ram   float64 // tokens for 1,000 bytes, once
	cpu   float64 // tokens for a millisecond, rented for a day
	net   float64 // tokens for 1,000 bytes, rented for a day
	least float64 // tokens, the least that renting costs each time
	token float64 // US dollars
}

func (p *prices) flags() {
	flag.Float64Var(&p.ram, "ram-price", 0.4908, "tokens for 1,000 bytes of RAM")
	flag.Float64Var(&p.cpu, "cpu-price", 0.0002, "tokens for a millisecond of CPU, rented for a day")
	flag.Float64Var(&p.net, "net-price", 0.0000001, "tokens for 1,000 bytes of NET, rented for a day")
	flag.Float64Var(&p.least, "rent-least", 0.0001, "tokens that renting costs at least, each time")
	flag.Float64Var(&p.token, "token-price", 0.11, "US dollars for a token")
}

// A bill is what one transaction of a kind was billed.
type bill struct {
	kind  string
	batch int
	net   int64 // bytes
	cpu   int64 // µs, the median
	ram   int64 // bytes while the table is not full, the median
}

func billOf(kind string, batch int, all []chain.Transaction) bill {
	b := bill{kind: kind, batch: batch}
	var cpu, ram []int64
	for _, t := range all {
		if t.Actions != batch || t.Block == 0 {
			continue
		}
		cpu = append(cpu, t.CPU)
		b.net = t.NET
		if t.RAM > 0 {
			ram = append(ram, t.RAM) // of the first one the table, too; of the last ones less
		}
	}
	b.cpu, b.ram = median(cpu), median(ram)
	return b
}

func median(of []int64) int64 {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	return of[len(of)/2]
}

// The account with the contract and full tables, in bytes: docs/anchor.md.
const (
	ramHeads = 3_000 + 177_614
	ramBoth  = 3_000 + 341_566
)

func costRows(p prices, bills []bill) (rows []row) {
	for _, b := range bills {
		name := fmt.Sprintf("a transaction with %d %s", b.batch, b.kind)
		if b.batch == 1 {
			name = "a transaction with one " + b.kind[:len(b.kind)-1]
		}
		rows = append(rows, row{section: costSection, name: name, value: float64(b.cpu), unit: microseconds, note: fmt.Sprintf("of CPU, the median; NET %d bytes, RAM %d until the table is full", b.net, b.ram)})
	}
	for _, use := range []struct {
		name  string
		bill  bill
		times float64
		ram   float64
	}{
		{"a day, a head a minute", bills[0], 24 * 60, ramHeads},
		{"a day, 1,000 events one by one", bills[1], 1000, ramBoth},
	} {
		cpu := use.times * float64(use.bill.cpu) / 1000
		net := use.times * float64(use.bill.net) / 1000
		tokens := max(p.least, cpu*p.cpu+net*p.net)
		rows = append(rows, row{section: costSection, name: use.name, value: tokens * p.token * 100, unit: cents,
			note: fmt.Sprintf("%.4f tokens for %.0f ms and %.0f kB rented by PowerUp; once %.0f tokens, $ %.2f, for %.0f kB of RAM", tokens, cpu, net, use.ram/1000*p.ram, use.ram/1000*p.ram*p.token, use.ram/1000)})
	}
	return rows
}
