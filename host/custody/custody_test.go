package custody

import "testing"

func TestFound(t *testing.T) {
	for _, c := range []struct {
		what             string
		was, seen        State
		forgets, nowhere bool
		now              State
		news             bool
	}{
		{"what was believed is not there", Held, Missing, false, false, Missing, true},
		{"what was believed is damaged", Confirmed, Damaged, false, false, Damaged, true},
		{"what was believed is another signature's", Held, Foreign, false, false, Foreign, true},
		{"another signature's is gone", Foreign, Missing, false, false, Missing, true},
		{"it is known to be another signature's", Foreign, Foreign, false, true, Foreign, false},
		{"what is owed is not there yet", Owed, Missing, false, false, Missing, false},
		{"what is owed is nowhere", Owed, Missing, false, true, Missing, true},
		{"what is owed is nowhere, and known to be", Missing, Missing, false, true, Missing, false},
		{"it was missing, and is damaged", Missing, Damaged, false, true, Damaged, false},
		{"nobody said that it should be there", None, Missing, false, false, Missing, false},
		{"nobody said so, and it is nowhere", None, Missing, false, true, Missing, true},
		{"what is owed is another signature's", Owed, Foreign, false, true, Foreign, false},
		{"a cache forgot", Held, Missing, true, false, None, false},
		{"a cache forgot what nobody else has", Held, Missing, true, true, None, true},
		{"a cache was owed what nobody has", Owed, Missing, true, true, None, true},
		{"a cache never had it", None, Missing, true, true, None, false},
		{"a cache's is damaged", None, Damaged, true, false, Damaged, true},
		{"a cache's is damaged, and it is owed", Owed, Damaged, true, false, Damaged, false},
	} {
		now, news := Found(c.was, c.seen, c.forgets, c.nowhere)
		if news != c.news || news && now != c.now {
			t.Errorf("%s: %v, %v", c.what, now, news)
		}
	}
}

func TestStanding(t *testing.T) {
	tally := func(bytes bool, counting ...State) Tally {
		t := Tally{Bytes: bytes}
		for _, s := range counting {
			t.Add(s, true)
		}
		return t
	}
	for _, c := range []struct {
		tally Tally
		want  Standing
	}{
		{tally(true, Owed, Owed), Pending},
		{tally(true, Held, Owed), Pending},
		{tally(false, Held, Held), Durable},
		{tally(false, Held, Held, Foreign), Durable},
		{tally(true, Held, Held, Owed), Degraded},
		{tally(false, Held, Missing), Degraded},
		{tally(false, Missing, Foreign), Degraded},
		{tally(false, Missing, Owed), Degraded}, // nobody has looked everywhere
		{tally(true, Missing, Damaged), Pending},
		{tally(false, Missing, Damaged), Lost},
	} {
		if got := c.tally.Standing(2); got != c.want || (got == Lost) != c.tally.Lost() {
			t.Errorf("%+v: %v, want %v", c.tally, got, c.want)
		}
	}
}
