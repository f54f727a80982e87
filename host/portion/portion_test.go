package portion

import "testing"

// send sends items through a place that takes no more than a number and some
// bytes at once, and no item of no bytes, and returns how many attempts failed.
func send(t *testing.T, s *Size, sizes []int, items, bytes int) (failed int) {
	t.Helper()
	for len(sizes) > 0 {
		n, b := s.Take(len(sizes), func(i int) int { return sizes[i] })
		if n < 1 {
			t.Fatal("a portion of nothing")
		}
		bad := n > items || b > bytes && n > 1
		for _, size := range sizes[:n] {
			bad = bad || size == 0
		}
		switch {
		case bad && n > 1:
			s.Failed(n, b)
		case bad:
			s.Blame()
		default:
			s.Passed(n, b)
		}
		if bad {
			failed++
		}
		if !bad || n == 1 {
			sizes = sizes[n:]
		}
	}
	return failed
}

func repeat(n, size int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

func TestItFindsWhatPasses(t *testing.T) {
	for _, c := range []struct{ size, items, bytes int }{
		{1000, 1, 1 << 20}, {1000, 7, 1 << 20}, {1000, 1 << 20, 10_000}, {200_000, 1 << 20, 100_000}, {1, 1 << 20, 1 << 30},
	} {
		const n = 20_000
		failed := send(t, New(512, 1<<20, 4096, 8<<20), repeat(n, c.size), c.items, c.bytes)
		// One larger portion is tried for every so many that pass.
		if fits := max(1, min(c.items, c.bytes/c.size)); failed > 12+2*n/fits/after {
			t.Errorf("%+v: %d attempts failed", c, failed)
		}
	}
}

// One bad item costs a few attempts, and what follows it is sent as before.
func TestOneBadItem(t *testing.T) {
	for _, at := range []int{0, 1, 100, 255, 511} {
		s := New(512, 1<<20, 512, 1<<20)
		sizes := repeat(512, 1000)
		sizes[at] = 0
		if failed := send(t, s, sizes, 1<<20, 1<<30); failed > 11 {
			t.Errorf("at %d: %d attempts failed", at, failed)
		}
		if n, _ := s.Take(1000, func(int) int { return 1000 }); n != 512 {
			t.Errorf("at %d: %d at once after it, want 512", at, n)
		}
	}
}

func TestItNeverPassesTheMost(t *testing.T) {
	s := New(10, 10, 50, 100)
	for range 10 {
		n, b := s.Take(1000, func(int) int { return 1 })
		s.Passed(n, b)
	}
	if n, b := s.Take(1000, func(int) int { return 1 }); n != 50 || b != 50 {
		t.Errorf("%d items of %d bytes, want 50", n, b)
	}
	if n, b := s.Take(1000, func(int) int { return 20 }); n != 5 || b != 100 {
		t.Errorf("%d items of %d bytes, want 5 of 100", n, b)
	}
	if n, _ := s.Take(1000, func(int) int { return 1000 }); n != 1 {
		t.Errorf("%d items that are too large alone, want 1", n)
	}
	if n, _ := s.Take(0, nil); n != 0 {
		t.Errorf("%d items of none", n)
	}
}

// Those under way at once when a place changes halve the size once.
func TestFailingTogetherHalvesOnce(t *testing.T) {
	s := New(100, 1000, 100, 1000)
	for range 5 {
		s.Failed(100, 1000)
	}
	if n, b := s.Take(1000, func(int) int { return 10 }); n != 50 || b != 500 {
		t.Errorf("%d items of %d bytes, want 50 of 500", n, b)
	}
}
