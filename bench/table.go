package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A row is one line of the table: a figure of ours or of a peer.
type row struct {
	section string
	name    string
	value   float64
	unit    unit
	bars    []bar
	note    string
}

// A bar is what a row is held to: as many times as good as another row, or
// better than an absolute figure.
type bar struct {
	against string  // name of a row of the table; "" for an absolute figure
	value   float64 // the ratio at least, or the figure
}

// A unit says how a figure is printed, and whether less of it is better.
type unit struct {
	name string
	less bool
}

var (
	microseconds = unit{"µs", true}
	milliseconds = unit{"ms", true}
	perSecond    = unit{"/s", false}
	bytesUnit    = unit{"bytes", true}
	cents        = unit{"¢", true}
)

// ratio is how many times as good a is as b.
func (u unit) ratio(a, b float64) float64 {
	if u.less {
		return b / a
	}
	return a / b
}

func (u unit) format(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f %s", v, u.name)
	}
	return fmt.Sprintf("%.1f %s", v, u.name)
}

// verdict is the bar's line in the table.
func (r *row) verdict(b bar, rows []row) string {
	got, want := 0.0, ""
	if b.against == "" {
		got, want = r.unit.ratio(r.value, b.value), r.unit.format(b.value)
		b.value = 1
	} else {
		i := 0
		for i < len(rows) && rows[i].name != b.against {
			i++
		}
		if i == len(rows) {
			return "not measured: " + b.against
		}
		got, want = r.unit.ratio(r.value, rows[i].value), fmt.Sprintf("%g× %s", b.value, b.against)
		if b.value == 1 {
			want = b.against
		}
	}
	met := "met"
	if got < b.value {
		met = "MISSED"
	}
	return fmt.Sprintf("%.2f× of %s: %s", got/b.value, want, met)
}

// table prints the rows, and under each that is held to something how far it
// is above or below it.
func table(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	missed, last := 0, ""
	for i := range rows {
		r := &rows[i]
		if r.section != last {
			if last != "" {
				fmt.Fprintln(t)
			}
			fmt.Fprintf(t, "%s\t\t\t\n", strings.ToUpper(r.section))
			last = r.section
		}
		var remarks []string
		for _, b := range r.bars {
			v := r.verdict(b, rows)
			if strings.HasSuffix(v, "MISSED") {
				missed++
			}
			remarks = append(remarks, v)
		}
		if r.note != "" {
			remarks = append(remarks, r.note)
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\n", r.name, r.unit.format(r.value), strings.Join(remarks, "; "))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n1.00× of a bar is the bar itself; more is better. %d missed.\n", missed)
	return err
}
