package antelope

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// standard is what Go's library says of a text: strictly, whole seconds or
// halves, and a slot that a chain has.
func standard(text string) (halves uint64, ok bool) {
	const layout = "2006-01-02T15:04:05.000"
	at, err := time.Parse(layout, text)
	if err != nil || at.Format(layout) != text {
		return 0, false
	}
	ms := at.UnixMilli()
	slot := (ms - 1000*epoch) / 500
	return uint64(ms / 500), ms%500 == 0 && 0 <= slot && slot <= math.MaxUint32 && ms >= 1000*epoch
}

func hold(t *testing.T, text string) {
	t.Helper()
	got, ok := ParseTime([]byte(text))
	if want, is := standard(text); ok != is || ok && got != want {
		t.Fatalf("%q is %d, %v; the standard library has %d, %v", text, got, ok, want, is)
	}
}

// Every day that there is and some that there are not, the edges of the clock, and the first and
// the last slot.
func TestTimes(t *testing.T) {
	for year := 1999; year <= 2101; year++ {
		for month := range 14 {
			for day := range 33 {
				hold(t, fmt.Sprintf("%d-%02d-%02dT%02d:%02d:%02d.500", year, month, day, day%24, month, year%60))
			}
		}
	}
	for n := range 100 {
		hold(t, fmt.Sprintf("2024-02-29T%02d:00:00.000", n))
		hold(t, fmt.Sprintf("2024-02-29T00:%02d:00.000", n))
		hold(t, fmt.Sprintf("2024-02-29T00:00:%02d.000", n))
		hold(t, fmt.Sprintf("2024-02-29T00:00:00.%03d", 100*(n%10)+n))
	}
	last := time.Unix(epoch, 0).UTC().Add(math.MaxUint32 * 500 * time.Millisecond)
	for d := -time.Second; d <= time.Second; d += 500 * time.Millisecond {
		hold(t, last.Add(d).Format("2006-01-02T15:04:05.000"))
		hold(t, time.Unix(epoch, 0).UTC().Add(d).Format("2006-01-02T15:04:05.000"))
	}
	if _, ok := ParseTime([]byte("2026-11-28T05:00:00.500")); !ok {
		t.Error("no time at all")
	}
}

func FuzzTime(f *testing.F) {
	for _, text := range []string{"2026-11-28T05:00:00.500", "2000-01-01T00:00:00.000", "2068-01-19T03:14:07.500", "2026-11-28T05:00:00", "2026-11-28T05:00:00.000Z", "2026-11-28 05:00:00.000"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { hold(t, text) })
}
