package canon

// Powers of ten that double and shortest ask for.
const (
	lowestPower  = -343
	highestPower = 325
)

// A wide is a number of 128 bits.
type wide struct{ hi, lo uint64 }

// power returns the highest 128 bits of 10^e, the rest cut off, and nil where e
// is out of bounds. Each is computed when it is first needed, so that no table
// takes room in the module's file.
func (d *number) power(e int) *wide {
	if e < lowestPower || e > highestPower {
		return nil
	}
	p := &d.powers[e-lowestPower]
	if p.hi != 0 {
		return p
	}
	num, den := &d.big[0], &d.big[1]
	num.set(1)
	den.set(1)
	if e >= 0 {
		num.mulPow5(e)
	} else {
		den.mulPow5(-e)
	}
	by := num.bits() - den.bits()
	den.shift(max(by, 0))
	num.shift(max(-by, 0))
	if num.compare(den) < 0 {
		num.shift(1)
	}
	*p = num.divide(den, &d.big[2], 128)
	return p
}

// exponent returns ⌊log₂ 10^e⌋ for |e| < 1,000: p is 10^e / 2^exponent × 2¹²⁷.
func (*wide) exponent(e int) int { return int(int64(e) * 913124641741 >> 38) }
