package antelope

// epoch is where the slots of a chain begin, 2000-01-01, in Unix seconds.
const epoch = 946684800

const timeForm = "20##-##-##T##:##:##.#00"

// ParseTime reads the time of a block as a chain's API writes it,
// YYYY-MM-DDTHH:MM:SS.mmm in UTC, and returns it in half seconds since 1970: no
// block has a time between these, before 2000, or beyond its slots of 32 bits.
//
//go:noinline
func ParseTime(text []byte) (halves uint64, ok bool) {
	if len(text) != len(timeForm) {
		return 0, false
	}
	var part [7]uint32 // year of the century, month, day, hour, minute, second, its tenths
	digits := 0
	for i, c := range text {
		switch {
		case timeForm[i] != '#':
			if c != timeForm[i] {
				return 0, false
			}
		case c < '0' || c > '9':
			return 0, false
		default:
			p := &part[digits/2]
			*p = *p*10 + uint32(c-'0')
			digits++
		}
	}
	year, month, day := part[0], part[1], part[2]
	length := 30 + (month+month>>3)&1
	if month == 2 {
		length = 28
		if year%4 == 0 {
			length = 29
		}
	}
	if month-1 >= 12 || day-1 >= length || part[3] >= 24 || part[4] >= 60 || part[5] >= 60 || part[6]%5 != 0 {
		return 0, false
	}
	// Days since March 1996, as if years began with March: a leap day ends one.
	year += 4
	if month < 3 {
		year--
		month += 12
	}
	days := year*365 + year/4 + (153*month-457)/5 + day
	const first = 3*365 + (153*13-457)/5 + 1 // of January 2000
	slot := 2*uint64(((days-first)*24+part[3])*60+part[4])*60 + uint64(2*part[5]+part[6]/5)
	return slot + 2*epoch, slot < 1<<32
}
