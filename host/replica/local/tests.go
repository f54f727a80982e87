package local

// WithFault returns o with a hook for tests outside of this package: it is asked
// before each step that changes files whether to take it and what to report. op
// is what is done (create, write, sync, …), name the file; it is called by
// whoever takes the step, which waits for it.
func (o Options) WithFault(hook func(op, name string) (apply bool, err error)) Options {
	o.fault = hook
	return o
}
