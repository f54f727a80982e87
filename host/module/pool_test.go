package module_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/code"
)

func open(t testing.TB, c module.Config) *module.Pool {
	p, err := module.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(context.Background()) })
	return p
}

func TestBatchIsVerifyForEach(t *testing.T) {
	p := moduletest.Open(t)
	var events [][]byte
	for n := range 200 {
		e := moduletest.Event(t, n).Record()
		if n%7 == 3 {
			e = bytes.Replace(e, []byte("Low"), []byte("low"), 1)
		}
		if n%50 == 11 {
			e = append(e, bytes.Repeat([]byte(" "), 256<<10)...)
		}
		events = append(events, e)
	}
	results, err := p.VerifyBatch(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		v, err := p.Verify(t.Context(), e)
		r := results[i]
		if (err == nil) != (r.Err == nil) || err != nil && err.Error() != r.Err.Error() {
			t.Fatalf("event %d: %v alone, %v in a batch", i, err, r.Err)
		}
		if err == nil && (v.Hash() != r.Verified.Hash() || !bytes.Equal(v.Record(), r.Verified.Record()) || v.Meta().Author != r.Verified.Meta().Author) {
			t.Fatalf("event %d differs in a batch", i)
		}
	}
	if none, err := p.VerifyBatch(t.Context(), nil); err != nil || len(none) != 0 {
		t.Fatalf("an empty batch: %v, %v", none, err)
	}
}

func TestConcurrentCallsDoNotMix(t *testing.T) {
	p := open(t, module.Config{Instances: 3})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			want := moduletest.Event(t, g)
			for range 50 {
				v, err := p.Verify(t.Context(), want.Record())
				if err != nil || v.Hash() != want.Hash() || !bytes.Equal(v.Record(), want.Record()) {
					t.Errorf("%v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if s := p.Stats(); s.Calls < 400 || s.Busy != 0 || s.Traps != 0 {
		t.Errorf("%+v", s)
	}
}

// A call that is late is answered for, and the pool goes on.
func TestDeadline(t *testing.T) {
	p := open(t, module.Config{Instances: 1, CallTimeout: 20 * time.Millisecond})
	long := []byte(backwards(300000)) // takes half a second
	if _, err := p.Canonicalize(t.Context(), long); !errors.Is(err, module.ErrTimeout) {
		t.Fatalf("%v", err)
	}
	// The late call still has the machine's attention, so others may be late too.
	_, err := p.Canonicalize(t.Context(), []byte("[1]"))
	for end := time.Now().Add(time.Minute); errors.Is(err, module.ErrTimeout) && time.Now().Before(end); {
		_, err = p.Canonicalize(t.Context(), []byte("[1]"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Stats(); s.Timeouts == 0 || s.Traps != 0 {
		t.Errorf("%+v", s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Canonicalize(ctx, long); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Callers that leave before the answer do not make more calls run at a time
// than there are instances, and may do what they like with what they passed.
func TestCallersThatLeave(t *testing.T) {
	p := open(t, module.Config{Instances: 1, CallTimeout: time.Hour})
	long := []byte("[" + strings.Repeat("1.7976931348623157e308,", 180000) + "1]")
	before := p.Stats().Calls
	for n := range uint64(5) {
		ctx, cancel := context.WithCancel(t.Context())
		text, left := bytes.Clone(long), make(chan error)
		go func() {
			_, err := p.Canonicalize(ctx, text)
			clear(text)
			left <- err
		}()
		for p.Stats().Calls == before+n { // it waits for the one before it
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-left; err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if s := p.Stats(); s.Busy > s.Instances {
			t.Fatalf("%+v", s)
		}
	}
	if out, err := p.Canonicalize(t.Context(), []byte("[1.0]")); err != nil || string(out) != "[1]" {
		t.Errorf("%s, %v", out, err)
	}
	if s := p.Stats(); s.Timeouts > 0 || s.Traps > 0 {
		t.Errorf("%+v", s)
	}
}

func TestClosed(t *testing.T) {
	p := open(t, module.Config{Instances: 1})
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Canonicalize(t.Context(), []byte("1")); !errors.Is(err, module.ErrClosed) {
		t.Errorf("%v", err)
	}
	if _, err := p.VerifyBatch(t.Context(), [][]byte{nil}); !errors.Is(err, module.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// A pool that is closed in a hurry leaves a running call alone.
func TestClosedInAHurry(t *testing.T) {
	p := open(t, module.Config{Instances: 1, CallTimeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	go func() {
		_, err := p.Canonicalize(t.Context(), []byte("["+strings.Repeat("1.7976931348623157e308,", 180000)+"1]"))
		answer <- err
	}()
	for p.Stats().Busy == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := p.Close(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-answer; err != nil {
		t.Error(err)
	}
	if _, err := p.Canonicalize(t.Context(), []byte("1")); !errors.Is(err, module.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []module.Config{
		{MaxEvent: module.MaxRecordBytes + 1},
		{Types: []module.Type{{Name: "VOTE", Code: 99}}},
		{Types: []module.Type{{Name: "", Code: 99}}},
		{Types: []module.Type{{Name: "A", Code: 40}}},
		{Types: []module.Type{{Name: "A", Code: 99}, {Name: "A", Code: 100}}},
	} {
		if p, err := module.Open(t.Context(), c); err == nil {
			p.Close(t.Context())
			t.Errorf("%+v was taken", c)
		}
	}
	p := open(t, module.Config{Types: []module.Type{{Name: "ACME", Code: 900}}})
	if types := p.Types(); len(types) != 15 || types[14] != (module.Type{Name: "ACME", Code: 900}) {
		t.Errorf("%v", types)
	}
}

// What crashes or hangs a careless reader.
func TestHostileInput(t *testing.T) {
	p := moduletest.Open(t)
	for name, text := range map[string]string{
		"nothing":             "",
		"brackets":            strings.Repeat("[", 200000),
		"a pyramid":           strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
		"4 MiB of digits":     strings.Repeat("7", 4<<20),
		"numbers":             "[" + strings.Repeat("1.7976931348623157e308,", 180000) + "1]",
		"long numbers":        "[" + strings.Repeat("1."+strings.Repeat("123456789", 90)+"e-300,", 4000) + "1]",
		"names backwards":     backwards(300000),
		"escapes":             `"` + strings.Repeat(`\u0000`, 600000) + `"`,
		"nested and unsorted": strings.Repeat(`{"b":`, 999) + "1" + strings.Repeat(`,"a":0}`, 999),
	} {
		began := time.Now()
		_, err := p.Canonicalize(t.Context(), []byte(text))
		var refused *code.Error
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.Verify(t.Context(), []byte(text)); !errors.As(err, &refused) {
			t.Errorf("%s as an event: %v", name, err)
		}
		t.Logf("%s: %v in %v", name, refused, time.Since(began))
	}
}

func backwards(n int) string {
	b := []byte{'{'}
	for i := n; i > 0; i-- {
		b = append(append(append(b, '"'), []byte{byte('a' + i>>15&15), byte('a' + i>>10&31%26), byte('a' + i>>5&31%26), byte('a' + i&31%26), byte('A' + i%26), byte('A' + i/26%26), byte('A' + i/676%26), byte('A' + i/17576)}...), `":0,`...)
	}
	b[len(b)-1] = '}'
	return string(b)
}

func TestStartFromCache(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		began := time.Now()
		p := open(t, module.Config{CacheDir: dir})
		t.Logf("opened in %v", time.Since(began))
		if _, err := p.Verify(t.Context(), moduletest.Event(t, 1).Record()); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	p, e := moduletest.Open(b), moduletest.Event(b, 1).Record()
	for b.Loop() {
		if _, err := p.Verify(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyBatch64(b *testing.B) {
	p := open(b, module.Config{Instances: 1})
	var events [][]byte
	for n := range 64 {
		events = append(events, moduletest.Event(b, n).Record())
	}
	for b.Loop() {
		if _, err := p.VerifyBatch(b.Context(), events); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/event")
}

func BenchmarkCanonicalize(b *testing.B) {
	p, e := moduletest.Open(b), moduletest.Event(b, 1).Record()
	for b.Loop() {
		if _, err := p.Canonicalize(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	p, k := moduletest.Open(b), moduletest.Key(b)
	event, _, err := p.Create(b.Context(), module.Draft{Type: "LIKE", Author: k.Public, Body: []byte("{}")})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := p.Sign(b.Context(), event, k.Private); err != nil {
			b.Fatal(err)
		}
	}
}
