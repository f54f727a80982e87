package sqlite

import "time"

// WithFault returns o with a hook for tests outside of this package: it is asked
// by the writer before each of its steps ("begin", "commit", "checkpoint")
// whether to take it and what to report. The writer waits for it.
func (o Options) WithFault(hook func(step string) (apply bool, err error)) Options {
	o.fault = hook
	return o
}

// WithWall returns o with a clock in the place of the machine's, which may be
// set; how much time passes is still the machine's to say.
func (o Options) WithWall(now func() time.Time) Options {
	o.now = now
	return o
}
