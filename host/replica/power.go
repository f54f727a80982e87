package replica

// A Wrapper is a policy around a replica. It may have the methods of every
// optional power; those of them that the replica inside it has not are none.
type Wrapper interface {
	Unwrap() Replica
}

// As returns r as T, an optional power, when it has it: when r and everything
// inside it have its methods. It stands in the place of a type assertion,
// which takes a policy's methods for powers.
func As[T any](r Replica) (power T, ok bool) {
	power, ok = r.(T)
	for ok {
		w, wraps := r.(Wrapper)
		if !wraps {
			return power, true
		}
		r = w.Unwrap()
		_, ok = r.(T)
	}
	var none T
	return none, false
}
