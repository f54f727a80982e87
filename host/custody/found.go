package custody

// Found returns what is known of a copy after a look at its place, and whether
// that is news. was is what was known when the look began; seen is Missing,
// Damaged or Foreign. forgets says that the place is a cache, which need not
// have what it was given; nowhere, that everybody was asked and nobody has a
// good copy.
func Found(was, seen State, forgets, nowhere bool) (now State, news bool) {
	switch {
	case seen == Missing && forgets:
		// It counts for nothing, unless a belief in it would hide that the event is lost.
		return None, nowhere && was != None
	case was == seen:
		return was, false
	case was.Held(), was == Foreign:
		return seen, true
	case seen == Foreign:
		return seen, !was.Owed() // whoever delivers what is owed decides about it
	case seen == Damaged && forgets && was == None:
		return seen, true // nothing else ever puts another in its place
	}
	// That what is owed is not there yet is no news, until nobody has it.
	return seen, nowhere && !was.Gone()
}
